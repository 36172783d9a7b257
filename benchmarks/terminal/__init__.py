"""What is said while something is done: bars where somebody watches, lines in a file, in words that fit."""
