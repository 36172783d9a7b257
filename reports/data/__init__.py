"""Data of a report: checked tables, how they were made, and whom they may name."""
