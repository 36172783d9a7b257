"""What a suite asks for: its file, its cohort, its units."""
