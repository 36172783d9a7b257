"""Data: scans, what they become, and the prepared data sets that training reads."""
