"""What is shown of results, in one look."""
