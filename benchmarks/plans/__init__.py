"""What a suite asks for: its file, its dataset, its runs."""
