"""Whether a GPU computes what it should, and how fast: one command for a machine that has little else (docs/gpu.md)."""
