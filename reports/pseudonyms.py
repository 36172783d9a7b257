"""Pseudonyms: subjects that may not be named can still be told apart, and compared from one report to the next."""

import hashlib
import hmac
import secrets

import pandas as pd

#: Hexadecimal digits of a pseudonym: two of ten thousand scans have the same with a chance of 2e-7.
_DIGITS = 12


def pseudonymous(predictions: pd.DataFrame, *, secret: str) -> pd.DataFrame:
    """A copy of `predictions` with other words in ``subject`` and ``scan``, and its rows in these words' order.

    A word is the keyed digest (HMAC-SHA-256) of the name: the same wherever `secret` is the same, and nothing of the
    name, nor its place among the others, can be read from it without.

    Args:
        predictions: with the columns method, repeat, fold, subject and scan.
        secret: what nobody who sees the table knows; where it is empty, one that nobody ever knows.
    """
    key = secret.encode() or secrets.token_bytes()

    def word(prefix: str, name: str) -> str:
        digest = hmac.new(key, f"{prefix} {name}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
        return prefix + digest[:_DIGITS]

    columns = {"subject": "p", "scan": "s"}
    words = {
        column: predictions[column].map({name: word(prefix, name) for name in predictions[column].unique()})
        for column, prefix in columns.items()
    }
    # The names' order would tell the names.
    return predictions.assign(**words).sort_values(["method", "repeat", "fold", "scan"], ignore_index=True)
