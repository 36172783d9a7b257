"""Entry point: an installation without what the benchmark needs gets one line, no traceback."""

import os
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires


def main() -> None:
    """The entry point of ``afnetm``."""
    # Asked of the installation, not of a failing import: other packages may bring some of what the program needs.
    if lacking := missing_packages("bench"):
        words = f"error: the program needs packages that are not installed: {', '.join(lacking)}"
        print(f"{words}\nTo install them: {sys.executable} -m pip install 'afnetm[bench]'", file=sys.stderr)
        raise SystemExit(2)

    # A notebook names its own to what it starts, of an environment that may be another; pictures go to files alone.
    os.environ.pop("MPLBACKEND", None)

    from benchmarks.cli.app import main as program

    program()


def missing_packages(extra: str) -> list[str]:
    """Missing packages that an extra of this project's distribution requires, directly or by another extra."""
    found = []
    for requirement in requires("afnetm") or ():
        needed, _, condition = requirement.partition(";")
        name = re.split(r"[^\w.-]", needed.strip(), maxsplit=1)[0]
        if not re.search(rf"extra == ['\"]{extra}['\"]", condition):
            continue
        if name == "afnetm":
            found += [one for other in re.findall(r"\[(\w+)\]", needed) for one in missing_packages(other)]
        elif not _is_installed(name):
            found.append(name)
    return sorted(found)


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
