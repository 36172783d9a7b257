"""``python -m benchmarks.cli``: the same as ``afnetm``."""

from benchmarks.cli.app import main

main()
