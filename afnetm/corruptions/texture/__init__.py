"""Corruptions of the texture, one file each."""
