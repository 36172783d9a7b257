"""Generated parts of docs/strategies.md: the project's strategies by what they change, with a picture of each.

``python -m scripts.strategies`` names what is not as it should be, with exit code 1; ``--write`` renews the page and
the pictures. What is said and shown of a strategy is in ``scripts/strategies.toml``, the rest comes of its class and of
the gallery's comparison of all strategies.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import Any

import pandas as pd

from afnetm.method import Method
from reports.formats import NOTHING, READING, score
from reports.markup import markdown_text
from scripts.diagrams import WIDTH, Diagram, legend

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "strategies.md"
PICTURES = ROOT / "docs" / "pictures" / "strategies"
GALLERY = ROOT / "docs" / "gallery"

#: The legend's cells, and what they mean.
LEGEND = (
    ("4", "stage of an encoder"),
    ("fc", "another layer"),
    ("class", "classifier"),
    ("(sum)", "operation without weights"),
    ("[gate]", "learnt gate, weight or attention"),
    ("{self}", "transformer over tokens"),
    ("loss~", "in training alone"),
    ("//", "no gradient passes"),
    ("4*", "masks enter"),
    ("4*~", "masks enter, in training alone"),
)


@dataclass(frozen=True)
class Strategy:
    """A registered method with what the table says of it."""

    kind: type[Method]
    changes: str
    text: str
    picture: str

    @property
    def title(self) -> str:
        """The heading of its section."""
        return self.kind.title or self.kind.name

    @property
    def anchor(self) -> str:
        """The heading's address."""
        return re.sub(r"[^\w-]", "", self.title.lower().replace(" ", "-"))

    @property
    def inputs(self) -> str:
        """In words: what it reads of a face, with its defaults."""
        guided = f"; in training {' and '.join(self.kind.reads_in_training)}" if self.kind.reads_in_training else ""
        return ", ".join(self.kind().inputs) + guided

    @property
    def options(self) -> str:
        """Its own hyper-parameters with their defaults, as a suite's file has them."""
        common, method = {field.name for field in fields(Method)}, self.kind()
        own = {field.name: getattr(method, field.name) for field in fields(method) if field.name not in common}
        return ", ".join(f"`{name} = {_toml(value)}`" for name, value in own.items()) or NOTHING

    def section(self) -> Iterator[str]:
        """Its picture with what it does beside it."""
        yield f"### {self.title}\n"
        picture = f"pictures/strategies/{self.kind.name}.svg"
        # In the text's own line: alone in one, it would begin a block in which Markdown is left as it is.
        image = f'<img src="{picture}" alt="Diagram of {self.title}" width="{WIDTH}" align="left">'
        yield f"{image} {fill(' '.join(self.text.split()), 125)}<br>"
        yield f'Source: {markdown_text(self.kind.source)}.<br clear="left">\n'


def table() -> dict[str, dict[str, Any]]:
    """The tables of ``strategies.toml``, by name of the method; ``changes`` has title and text of each group."""
    return tomllib.loads((Path(__file__).parent / "strategies.toml").read_text(encoding="utf-8"))


def registered() -> dict[str, type[Method]]:
    """The methods that this checkout registers, in its order; those of other packages have no place here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"]["afnetm.methods"]
    return {
        name: getattr(import_module(place.partition(":")[0]), place.partition(":")[2]) for name, place in points.items()
    }


def strategies() -> list[Strategy]:
    """All registered methods, each with what the table says of it.

    Raises:
        SystemExit: it says nothing of a method, or names a group that there is not.
    """
    told, found = table(), []
    for name, kind in registered().items():
        if name not in told:
            sys.exit(f"{name}: scripts/strategies.toml has no table [{name}] with changes, text and picture")
        found.append(Strategy(kind, **told[name]))
        if found[-1].changes not in told["changes"]:
            sys.exit(f"[{name}] changes = '{found[-1].changes}': one of {', '.join(told['changes'])}")
    return found


def standings() -> tuple[list[str], Mapping[str, list[str]]]:
    """The headings of two columns, and their cells by method: accuracy with interval, and rank, in the gallery."""
    table = _comparison("fusion")
    ranks = table["accuracy"].rank(ascending=False, method="min")
    elsewhere = _comparison("masks").loc[lambda masks: masks.index.difference(table.index)]
    return ["where it stands: accuracy", f"rank of {len(table)}"], {
        **{name: [f"{score(*row)} in `masks`", NOTHING] for name, *row in elsewhere.itertuples()},
        **{name: [score(*row), f"{ranks[name]:.0f}"] for name, *row in table.itertuples()},
    }


def _comparison(suite: str) -> pd.DataFrame:
    """The accuracy of each method in the gallery, with its interval."""
    table = pd.read_csv(GALLERY / suite / "tables" / "comparison.csv", index_col="method")
    return table[["accuracy", "accuracy_low", "accuracy_high"]].astype(float)


def page(text: str) -> str:
    """The page `text` with its generated part as it is to be."""
    place = re.compile(r"(?<=<!-- strategies -->\n).*?(?=<!-- end of strategies -->)", re.DOTALL)
    return place.sub(lambda _: "\n" + "\n".join(_generated()) + "\n", text)


def _generated() -> Iterator[str]:
    everyone, (headings, stands), groups = strategies(), standings(), table()["changes"]
    for group, (title, text) in groups.items():
        own = [strategy for strategy in everyone if strategy.changes == group]
        if not own:
            continue
        yield f"## {title}\n"
        yield fill(" ".join(text.split()), 125) + "\n"
        yield _row("strategy", "inputs", "own options and their defaults", *headings)
        yield "|---|---|---|---|---|"
        for strategy in own:
            mark = f" {READING}" if strategy.kind.reading else ""
            name = f"[{strategy.title}](#{strategy.anchor}){mark}, `{strategy.kind.name}`"
            where = stands.get(strategy.kind.name, ["not yet run", NOTHING])
            yield _row(name, strategy.inputs, strategy.options, *where)
        yield ""
        for strategy in own:
            yield from strategy.section()


def documents() -> dict[Path, str]:
    """Every file as it is to be: the page and its pictures."""
    made = {PAGE: page(PAGE.read_text(encoding="utf-8")), PICTURES / "legend.svg": legend(LEGEND)}
    for strategy in strategies():
        try:
            made[PICTURES / f"{strategy.kind.name}.svg"] = Diagram(strategy.picture).document(strategy.title)
        except ValueError as error:
            sys.exit(f"[{strategy.kind.name}] picture: {error}")
    return made


def stale(made: Mapping[Path, str]) -> list[Path]:
    """Files that are not as they are to be, and pictures of strategies that are gone."""
    there = {path: path.read_text(encoding="utf-8") for path in [PAGE, *PICTURES.glob("*")]}
    return [path for path in sorted({*made, *there}) if made.get(path) != there.get(path)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Names the files that are not as they are to be, or writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="renew these files")
    options, made = parser.parse_args(arguments), documents()
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in (old := stale(made)):
        print(path.relative_to(ROOT))
        if not options.write:
            continue
        if path in made:
            path.write_text(made[path], encoding="utf-8")
        else:
            path.unlink()
    return int(bool(old) and not options.write)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
