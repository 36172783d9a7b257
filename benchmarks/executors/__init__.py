"""Executors: who runs units where."""
