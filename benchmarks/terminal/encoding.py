"""Words on terminals that do not know every character."""
# ruff: noqa: RUF001, the characters are meant

import codecs
import io
import os
import sys
import unicodedata

#: What stands for characters that are used here, where a terminal has none of them; others lose their accents.
_PLAIN = {
    "–": "-",
    "—": "-",
    "−": "-",
    "±": "+-",
    "Δ": "Delta",
    "†": "+",
    "×": "x",
    "…": "...",
    "·": ".",
    "•": "*",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "✓": "x",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "━": "-",
    "╸": "-",
    "╺": "-",
}


def fit_to_terminal() -> None:
    """Makes both outputs take every text, whatever the terminal can show: plain characters stand for others.

    Where the locale is called C or POSIX, which is ASCII, Python writes UTF-8 all the same; here ASCII is written,
    unless Python was told otherwise.
    """
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="ascii" if _ascii_locale() else None, errors="plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    text = "".join(_PLAIN.get(one) or _letters(one) or "?" for one in error.object[error.start : error.end])
    return text, error.end


def _letters(one: str) -> str:
    return unicodedata.normalize("NFKD", one).encode("ascii", "ignore").decode()


def _ascii_locale() -> bool:
    if os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8"):
        return False
    named = [os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if named[1:] in (["C.UTF-8", "C"], ["C.UTF-8", "POSIX"]):  # Python itself sets the former for the latter
        named[1] = ""
    return next(filter(None, named), "") in {"C", "POSIX"}
