"""The mark of a folder whose scans are synthetic: they may look like a dataset's files, and must not pass for them."""

import json

from afnetm.data.formats.inside import DataFolder
from afnetm.data.synthetic import SyntheticSource

#: The file that says so, in the folder itself.
MARK = "MADE-UP.txt"


def mark(source: SyntheticSource) -> bytes:
    """The file's content."""
    return f"These faces are synthetic: nobody looks like this. {json.dumps(source.describe())}\n".encode()


def is_synthetic(folder: DataFolder) -> bool:
    """Whether `folder` is marked."""
    return folder.find(MARK) is not None
