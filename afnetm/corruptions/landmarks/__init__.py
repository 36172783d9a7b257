"""Corruptions of landmarks, one file each."""
