"""Speed: ratios measured within one run, because machines differ and are busy. ``nox -s speed``."""
