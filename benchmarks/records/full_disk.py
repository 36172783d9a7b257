"""Whether an error says that the disk is full; libraries that write files say it each in their own words."""

import errno
import re

_CODES = {errno.ENOSPC, errno.EDQUOT}
#: Of safetensors and Arrow, of SQLite, and of numpy, which says how many bytes it did not get rid of.
_WORDS = re.compile(r"no space left|os error 28|disk quota exceeded|disk is full|\d+ requested and \d+ written", re.I)


def is_full(error: BaseException | None) -> bool:
    """Whether `error`, or one that it was raised from, says so."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _CODES:
            return True
        if _WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
