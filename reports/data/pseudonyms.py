"""Pseudonyms: subjects that may not be named can still be told apart, and compared from one report to the next."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping

import pandas as pd

#: Hexadecimal digits of a pseudonym: two of ten thousand scans have the same with a chance of 2e-7.
_DIGITS = 12
#: What a pseudonym starts with, by the column of names.
PREFIXES = {"subject": "p", "scan": "s"}
_WITHHELD = "(message withheld: the dataset is not shareable)"


def words(names: Iterable[str], *, column: str, secret: str) -> dict[str, str]:
    """The pseudonym of each of `names`, which are of a ``"subject"`` or a ``"scan"``.

    It is the keyed digest (HMAC-SHA-256) of the name: the same wherever `secret` is the same, and nothing of the name,
    nor its place among the others, can be read from it without.

    Args:
        names: of subjects or scans.
        column: which.
        secret: what nobody who sees the pseudonyms knows; where it is empty, one that nobody ever knows.
    """
    key, prefix = secret.encode() or secrets.token_bytes(), PREFIXES[column]

    def word(name: str) -> str:
        digest = hmac.new(key, f"{prefix} {name}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        return prefix + digest[:_DIGITS]

    return {name: word(name) for name in names}


def pseudonymous(predictions: pd.DataFrame, *, secret: str | None) -> pd.DataFrame:
    """A copy of `predictions` with other words in ``subject`` and ``scan``, and its rows in these words' order.

    Args:
        predictions: with the columns method, repeat, fold, subject and scan.
        secret: as in `words`; None where the words are pseudonyms already.
    """
    if secret is not None:
        named = {name: words(predictions[name].unique(), column=name, secret=secret) for name in PREFIXES}
        predictions = predictions.assign(**{name: predictions[name].map(found) for name, found in named.items()})
    # The names' order would tell the names.
    return predictions.sort_values(["method", "repeat", "fold", "scan"], ignore_index=True)


def named(predictions: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A copy of `predictions` with `names` for the pseudonyms that have one there, and its rows in their order."""
    formatted = {column: predictions[column].map(lambda word: names.get(word, word)) for column in PREFIXES}
    return predictions.assign(**formatted).sort_values(["method", "repeat", "fold", "scan"], ignore_index=True)


def is_pseudonym(word: str, *, column: str) -> bool:
    """Whether `word` may be a pseudonym of a ``"subject"`` or a ``"scan"``."""
    return re.fullmatch(rf"{PREFIXES[column]}[0-9a-f]{{{_DIGITS}}}", word) is not None


def identity(secret: str) -> str:
    """Sixteen hexadecimal digits that tell which secret words were made with, and nothing of it."""
    return hashlib.sha256(b"afnetm secret " + secret.encode()).hexdigest()[:16]


def unnamed(reason: str) -> str:
    """The kind of an error alone, of ``kind: message``: the message may name a scan, and so a subject.

    What is not called as exceptions are may be the beginning of a message.
    """
    kind = re.match(rf"[A-Za-z_.]*(Error|Exception|Exit|Interrupt)(?=:|$| {re.escape(_WITHHELD)}$)", reason)
    return f"{kind.group() if kind else 'error'} {_WITHHELD}"
