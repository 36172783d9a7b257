"""Scores, intervals and tests: arrays in, numbers out."""
