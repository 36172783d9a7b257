"""Records on the road: a suite's records in one zip archive, and back into another home."""
