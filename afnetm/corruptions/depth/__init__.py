"""Corruptions of the depth, one file each."""
