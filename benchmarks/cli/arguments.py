"""The order of words on the command line: values in a row, ``--intensities 3 4``, the program's options anywhere."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter

#: Under which the help of a command lists the options of the program.
EVERYWHERE = "Options of every command"


class Command(TyperCommand):
    """A command whose list options take values in a row, and whose help has the program's options, too."""

    def get_params(self, ctx: "Context") -> list["Parameter"]:
        """Its own, and the program's: those are taken away before it sees them (`Program`), here is their help."""
        own = super().get_params(ctx)
        program = ctx.find_root().command
        return [*own, *program.shared] if isinstance(program, Program) else own

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Reads its words, see `expand_values`."""
        return super().parse_args(ctx, expand_values(args, self.params))


class Program(TyperGroup):
    """The whole program: its own options may stand before a command or after it."""

    _shared: list["Parameter"] | None = None

    @property
    def shared(self) -> list["Parameter"]:
        """Its options as a command's help lists them."""
        if self._shared is None:
            self._shared = [_listed(param) for param in self.params if param.expose_value]
        return self._shared

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Reads its words, see `ahead`."""
        return super().parse_args(ctx, ahead(args, self.params))


@dataclass
class _Row:
    """An option, its values in a row, and what was taken back from their end."""

    name: str
    values: list[str]
    back: list[str] = field(default_factory=list)

    def message(self) -> list[str]:
        """One option a value; without any as it was, for the command line's library to refuse."""
        # of KEY=VALUE, the value may be a list
        split = [[value] if "=" in value else value.split(",") for value in self.values]
        parts = [part for several in split for part in several if part]
        options = [word for part in parts for word in (self.name, part)]
        return (options or [self.name, *self.values]) + self.back


def expand_values(arguments: Sequence[str], params: Sequence["Parameter"]) -> list[str]:
    """`arguments` of a command with one option a value, as the command line's library has it.

    After an option that takes several values all up to the next option are its own, but for as many at the end as the
    command's arguments need that stand nowhere else: in ``--methods a b SUITE`` SUITE is the suite. Commas separate
    values as well.

    Args:
        arguments: what follows the command.
        params: the command's.
    """
    named = _named(params)
    words: list[str | _Row] = []
    rows: list[_Row] = []
    row: _Row | None = None
    loose = 0
    queue = list(arguments)
    while queue and (word := queue.pop(0)) != "--":
        name, equals, value = word.partition("=")
        option = named.get(name)
        if option is not None and option.multiple:
            row = _Row(name, [value] if equals else [])
            rows.append(row)
            words.append(row)
        elif word.startswith("-"):
            row = None
            words.append(word)
            if option is not None and not option.is_flag and not equals and queue:
                words.append(queue.pop(0))
        elif row is not None:
            row.values.append(word)
        else:
            loose += 1
            words.append(word)
    after = ["--", *queue] if queue else []
    lacking = sum(p.nargs for p in params if isinstance(p, TyperArgument) and p.required) - loose - len(queue)
    for row in reversed(rows):
        while lacking > 0 and len(row.values) > 1:
            row.back.insert(0, row.values.pop())
            lacking -= 1
    return [part for word in words for part in (word.message() if isinstance(word, _Row) else [word])] + after


def ahead(arguments: Sequence[str], params: Sequence["Parameter"]) -> list[str]:
    """`arguments` of the program with those of its own options, `params`, first that stand after its command."""
    named = _named(params)
    first: list[str] = []
    others: list[str] = []
    queue = list(arguments)
    while queue and queue[0] != "--":
        word = queue.pop(0)
        name, equals, _ = word.partition("=")
        option = named.get(name)
        if option is None:
            others.append(word)
        elif option.is_flag or equals:
            first.append(word)
        elif queue:
            first += [word, queue.pop(0)]
        else:  # its value is missing, which is for the command line's library to say
            others.append(word)
    return [*first, *others, *queue]


def _named(params: Sequence["Parameter"]) -> dict[str, TyperOption]:
    """Options by what they are called."""
    return {name: p for p in params if isinstance(p, TyperOption) for name in [*p.opts, *p.secondary_opts]}


def _listed(param: "Parameter") -> "Parameter":
    """A copy that is listed, and gives the command nothing."""
    listed = copy.copy(param)
    listed.expose_value, listed.callback = False, None
    if isinstance(listed, TyperOption):
        listed.rich_help_panel = EVERYWHERE
    return listed
