"""Whole comparisons: suites, what there is to run, running it, records and the command line."""
