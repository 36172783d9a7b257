"""Recognition of disk errors; libraries that write files say that it is full each in their own words."""

import errno
import os
import re

from afnetm.errors import causes

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
#: Of safetensors and Arrow, of SQLite, and of numpy, which says how many bytes it did not get rid of.
_WORDS = re.compile(r"no space left|os error 28|disk quota exceeded|disk is full|\d+ requested and \d+ written", re.I)


def is_full(error: BaseException | None) -> bool:
    """Whether `error`, or one that it was raised from, says that the disk is full."""
    return any(
        (isinstance(one, OSError) and one.errno in _FULL) or _WORDS.search(str(one)) is not None
        for one in causes(error)
    )


def why_unwritten(error: BaseException) -> str | None:
    """Reason why a file could not be written: a full disk, a read-only one, no permission; None for any other error.

    None for every other error, which is no fault of a disk.
    """
    if is_full(error):
        return "the disk is full"
    if isinstance(error, OSError) and error.errno in _FORBIDDEN:
        return os.strerror(error.errno).lower()
    return None
