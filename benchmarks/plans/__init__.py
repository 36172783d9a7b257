"""Plans of suites: their files, datasets and runs."""
