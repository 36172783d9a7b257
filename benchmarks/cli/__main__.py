"""``python -m benchmarks.cli``: the same as ``afnetm``."""

from benchmarks.cli.start import main

main()
