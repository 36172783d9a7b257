"""Corruptions of a modality as a whole, one file each."""
