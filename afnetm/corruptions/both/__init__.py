"""Corruptions of texture and depth at once, one file each."""
