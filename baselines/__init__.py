"""Rival fusion strategies, one file each, on the same encoders and the same training as AFNet-M."""
