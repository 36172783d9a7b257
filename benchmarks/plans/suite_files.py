"""Where suites are: files of one's own by their path, the project's own by their name."""

import difflib
import tomllib
from pathlib import Path
from typing import Any

from afnetm.errors import UserError

#: Where the suites that come with the project are.
SUITES = Path(__file__).parents[1] / "suites"


def suite_names() -> list[str]:
    """Names of the suites that come with the project."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def listed_suites() -> list[dict[str, Any]]:
    """Name, description, labels of the methods, and dataset of each of them; read without being checked."""
    found = []
    for name in suite_names():
        tables = tomllib.loads((SUITES / f"{name}.toml").read_text(encoding="utf-8"))
        about = {"description": tables["description"], "methods": list(tables["methods"])}
        found.append({"name": name, **about, "dataset": tables["dataset"]["name"]})
    return found


def read_suite_file(reference: str) -> tuple[Path, str]:
    """Path and text of a suite.

    Args:
        reference: a TOML file, or the name of a suite that comes with the project.

    Raises:
        UserError: there is no such suite, or it is no text.
    """
    path = SUITES / f"{reference}.toml" if reference in suite_names() else Path(reference)
    try:
        return path, path.read_bytes().decode("utf-8-sig")  # Windows' editors put a mark before it
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        close = difflib.get_close_matches(reference, suite_names(), n=3) or suite_names()
        raise UserError(f"suite '{reference}' is neither a TOML file nor one of ours: {', '.join(close)}") from None
    except OSError as error:
        raise UserError(f"suite '{reference}' cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not valid TOML: {error}") from None
