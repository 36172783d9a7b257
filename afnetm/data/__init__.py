"""Data: scans, what they become, and the prepared datasets that training reads."""
