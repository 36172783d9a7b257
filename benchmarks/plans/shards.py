"""A shard of a suite: what one of several homes that share nothing does of it."""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from afnetm.errors import UserError

if TYPE_CHECKING:
    from benchmarks.plans.folds import Place
    from benchmarks.plans.tables import ProtocolSpec


@dataclass(frozen=True)
class Shard:
    """Every `count`-th fold over all repeats, beginning with the `number`-th, counted from 1, with all methods.

    The folds of a method that are searched have studies of their own, which so are whole within a shard.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_shard(text: str) -> Shard:
    """The shard that ``3/16`` names.

    Raises:
        UserError: it names none.
    """
    number, slash, count = text.partition("/")
    if not (slash and all(part.isascii() and part.isdigit() for part in (number, count))):
        raise UserError(f"--shard: '{text}' is not allowed; which of how many, for example 3/16")
    if not 1 <= int(number) <= int(count):
        raise UserError(f"--shard: '{text}' is not allowed; from 1/{count} to {count}/{count}")
    return Shard(int(number), int(count))


def places(protocol: "ProtocolSpec", shard: Shard | None) -> "list[Place]":
    """The repeats and folds of a protocol, or those of a shard.

    Raises:
        UserError: the shard has none.
    """
    every = list(product(range(protocol.repeats), range(protocol.folds or 0)))
    if shard is None:
        return every
    if shard.count > len(every):
        raise UserError(f"--shard: '{shard}' is not allowed; the suite has {len(every)} folds in all its repeats")
    return every[shard.number - 1 :: shard.count]
