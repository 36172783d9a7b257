"""What is told of results in numbers and words."""
