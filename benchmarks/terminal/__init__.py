"""Terminal output: bars where somebody watches, lines in a file, in words that fit."""
