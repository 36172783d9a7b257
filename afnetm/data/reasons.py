"""Reasons for rejections that can be shared: only the program's own words of each message.

A reason names files, subjects and what stands in the files. Whatever people call these, none of it can be told, so it
is not looked for and cut out: what is kept are pieces of the messages in this package's source, and the lengths that
it measured.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

#: What stands for all that is not told.
GAP = "…"
_PHRASE = re.compile(r"[^\n]*[a-z]{2}[^\n]*")
_WORD = re.compile(r"[a-z][a-z0-9]{3,}")
_ENDING = re.compile(r"\.[a-z0-9]{2,4}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
#: No reason is longer; what is, is no sentence of ours.
_LONGEST = 2000


def grouped(reasons: Iterable[str]) -> list[tuple[int, str]]:
    """Counts of reasons and their texts, the most frequent first.

    Reasons that differ in what is not told, or in the lengths alone, are one; these then stand as ``3.1 to 7.8``.
    """
    counts: Counter[str] = Counter()
    lengths: dict[str, list[list[float]]] = {}
    for reason in reasons:
        text, numbers = _message(reason)
        counts[text] += 1
        lengths.setdefault(text, []).append(numbers)
    return [(count, _filled(text, lengths[text])) for text, count in counts.most_common()]


def in_own_words(text: str) -> str:
    """`text` with a gap for all that is not the program's own."""
    return _message(text)[0].replace("#", GAP)


def _message(reason: str) -> tuple[str, list[float]]:
    """A reason with a gap for all that is not told and a ``#`` for each length, and the lengths."""
    text, numbers, end = "", [], 0
    for piece in _own_words().finditer(reason[:_LONGEST]):
        between = reason[end : piece.start()]
        if end and piece[0].startswith(" mm") and _NUMBER.fullmatch(between):
            numbers.append(float(between))
            text += "#"
        elif between:
            text += GAP
        text += piece[0].replace("#", GAP)
        end = piece.end()
    return text + (GAP if end < len(reason) else ""), numbers


def _filled(text: str, lengths: list[list[float]]) -> str:
    """`text` with the range of its lengths."""
    for numbers in zip(*lengths, strict=True):
        least, most = min(numbers), max(numbers)
        text = text.replace("#", f"{least:g}" if least == most else f"{least:g} to {most:g}", 1)
    return text


@cache
def _own_words() -> re.Pattern[str]:
    """Vocabulary of this package's messages: phrases, lone words that no name is part of, and endings of files.

    The punctuation that is kept as well makes them readable.
    """
    phrases, words, endings = set(), set(), set()
    for path in Path(__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                value = node.value
                if _WORD.fullmatch(value):
                    words.add(value)
                elif _ENDING.fullmatch(value):
                    endings.add(value)
                elif " " in value and (value.startswith(" mm") or _PHRASE.fullmatch(value)):
                    phrases.add(value)
    one_of = ["|".join(map(re.escape, sorted(some, key=len, reverse=True))) for some in (phrases, words, endings)]
    return re.compile(r"(?:{})|(?<![\w./\\-])(?:{})(?![\w./\\-])|(?:{})(?!\w)|: |\)".format(*one_of))
