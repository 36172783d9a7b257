"""What a report is made of: checked tables, how they were made, and whom they may name."""
