"""Homes joined: several into one, and the part of one that a suite needs in a zip file that another can take in."""
