"""The command line as Markdown, from the program itself."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from benchmarks.cli.app import app
from benchmarks.cli.arguments import EVERYWHERE

_OPTION = re.compile(r"(?<![`\w-])--[a-z][\w-]*(?![`\w])")
_PAGE = re.compile(r"\bdocs/([a-z]+\.md)\b")


def command_reference() -> str:
    """Options of every command, and each command with its arguments, options and examples."""
    program = get_command(app)
    context = program.make_context("afnetm", ["suites"], resilient_parsing=True)
    everywhere = [param for param in program.params if getattr(param, "expose_value", False)]
    parts = [f"## {EVERYWHERE}\n\n{_parameters(everywhere, 'afnetm', context)}"]
    for words, command in _commands("afnetm", program):
        own = [
            param
            for param in command.params
            if param.name != "help" and getattr(param, "rich_help_panel", None) != EVERYWHERE
        ]
        text, examples = _described(inspect.cleandoc(command.help or ""))
        code = "\n".join([_usage(words, own), *([""] if examples else []), *examples])
        listed = _parameters(own, words, context)
        parts.append(f"## `{words}`\n\n{_prose(text)}\n\n```text\n{code}\n```\n\n{listed}")
    return "\n".join(parts)


def _commands(words: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(f"{words} {name}", command)
        else:
            yield f"{words} {name}", command


def _usage(words: str, params: list[Any]) -> str:
    arguments = [param for param in params if not param.opts[0].startswith("-")]
    shown = []
    for one in arguments:
        value = f"{_value(one, None)}{' ...' if one.nargs != 1 else ''}"
        shown.append(value if one.required else f"[{value}]")
    return " ".join([words, *shown, *(["[OPTIONS]"] if len(arguments) < len(params) else [])])


def _described(text: str) -> tuple[str, list[str]]:
    """The text of a help, and its examples."""
    said, _, examples = text.partition("Example")
    return said.strip(), re.findall(r"`([^`]+)`", examples)


def _parameters(params: list[Any], words: str, context: Any) -> str:
    """Arguments and options as a definition list."""
    lines = []
    for param in params:
        names = [*param.opts, *param.secondary_opts]
        option = names[0].startswith("-")
        value = f" {_value(param, context)}" if option and not param.is_flag else ""
        shown = " / ".join(names) + value if option else _value(param, context)
        anchor = re.sub(r"\W+", "-", f"{words} {max(names, key=len)}").strip("-")
        facts = ["required"] if param.required else []
        if param.multiple or param.nargs != 1:
            facts.append("several values")
        default = param.default
        if option and not (default is None or isinstance(default, bool) or default == () or callable(default)):
            several = default if isinstance(default, list | tuple) else [default]
            facts.append(f"default `{' '.join(map(str, several))}`")
        if param.envvar:
            facts.append(f"environment variable `{param.envvar}`")
        lines.append(
            f"[`{shown}`]{{#{anchor}}}{''.join(f' · {fact}' for fact in facts)}\n: {_prose(param.help or '')}\n"
        )
    return "\n".join(lines)


def _value(param: Any, context: Any) -> str:
    """What stands for a value: ``SUITE``, ``auto|cpu|cuda``, ``INT``."""
    if param.metavar or context is None:
        return re.sub(r"[\[\]]|( ?\.\.\.)$", "", str(param.metavar or param.name.upper())).removesuffix("...")
    kind = re.sub(r"^list\[(.*)\]$", r"\1", param.display_type(context).strip("<>"))
    return kind if "|" in kind else kind.upper()


def _prose(text: str) -> str:
    """Help as Markdown: options as code, pages as links."""
    return _PAGE.sub(r"[](../\1)", _OPTION.sub(r"`\g<0>`", " ".join(text.split()) if "\n\n" not in text else text))
