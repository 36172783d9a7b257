"""Text as LaTeX that reads as it is, and that pdfTeX in its oldest encoding can set and break into lines."""

import re
import unicodedata
from functools import lru_cache, reduce
from pathlib import Path

#: A letter and its command a line; each is of LaTeX itself, but for the check mark's.
_COMMANDS = {"\N{NO-BREAK SPACE}": "~"} | {
    line[0]: line[2:] for line in (Path(__file__).parent / "symbols.txt").read_text(encoding="utf-8").splitlines()
}
_ACCENTS = {
    **{"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": "."},
    **{"\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c"},
}
#: In em, rather too much than too little, of Computer Modern at 8 pt; what is not here is as wide as a sign.
_WIDTHS = {
    " .,:;'!|()[]/fijl": 0.34,
    "cerstz-": 0.48,
    "0123456789": 0.54,
    "abdghknopquvxy": 0.58,
    "m": 0.9,
    "MW%@": 1.1,
}
_CAPITAL, _DIGIT = 0.83, 0.54
#: Words longer than this, in em, may be broken anywhere where there is no other way: so wide is every column of text.
LONGEST = 7.2
_BREAK = r"\penalty5000\relax "


def latex_text(text: str) -> str:
    """`text` on one line; a letter that is neither ASCII nor an accented one nor in ``symbols.txt`` is its code."""
    words = re.split(r"( +|(?<=-)(?!-))", re.sub(r"[ \t\r\n]+", " ", text.strip()).replace(" %", "\N{NO-BREAK SPACE}%"))
    written = "".join(map(_word, words))
    written = re.sub(r"([-',])(?=\1)", r"\1{}", written)  # two of these would become one mark
    # At the start of a row a bracket or a star would be an option of the line break before it.
    return f"{{}}{written}" if written[:1] in {"[", "*"} else written


def _word(word: str) -> str:
    """A word that is too long may be broken after a sign, or where that is not enough, anywhere."""
    if ems(word) <= LONGEST:
        return "".join(_letters(word))
    parts = [part for part in re.split(r"(?<=[._/:;=])", word) if part]
    return _BREAK.join((_BREAK if ems(part) > LONGEST else "").join(_letters(part)) for part in parts)


@lru_cache(maxsize=65_536)  # a table asks for each cell once a layout that is tried
def ems(text: str) -> float:
    """About how wide `text` is, in em."""
    return sum(map(_em, text))


def _em(letter: str) -> float:
    if letter.isascii() or letter in _COMMANDS:
        return next((width for letters, width in _WIDTHS.items() if letter in letters), _CAPITAL)
    codes = re.findall(r"U\+[0-9A-F]+", "".join(_letters(letter)))
    return _DIGIT * sum(map(len, codes)) if codes else _em(unicodedata.normalize("NFKD", letter)[0])


def _letters(word: str) -> list[str]:
    """Each letter of a word, with its accents, as LaTeX."""
    pieces: list[str] = []
    for letter in unicodedata.normalize("NFC", word):
        base, *accents = list(unicodedata.normalize("NFD", letter))
        if letter in _ACCENTS and pieces:
            pieces[-1] = _accented(pieces[-1], letter)
        elif accents and base.isascii() and set(accents) <= set(_ACCENTS):
            pieces.append(reduce(_accented, accents, base))
        else:
            pieces.append(_letter(letter))
    return pieces


def _accented(base: str, accent: str) -> str:
    return rf"\{_ACCENTS[accent]}{{{base}}}"


def _letter(letter: str) -> str:
    if letter.isascii() or letter in _COMMANDS:
        return _COMMANDS.get(letter, letter)
    plain = unicodedata.normalize("NFKC", letter)
    if not plain.isascii():
        return rf"{{\ttfamily U+{ord(letter):04X}}}"
    text = "".join(_COMMANDS.get(one, one) for one in plain)
    return rf"\textsuperscript{{{text}}}" if unicodedata.decomposition(letter).startswith("<super>") else text
