"""A report as one Markdown document, for where a page cannot go: the same words and tables, pictures by links."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.markup import heading, markdown, paragraph
from reports.page.made import Made
from reports.table import Table


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section.

    Attributes:
        title: of it.
        table: in it, if there is one.
        before, after: paragraphs.
        level: of its heading; 0 where it goes on with the section before.
    """

    title: str = ""
    table: Table | None = None
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    level: int = 2


def document(
    title: str,
    *,
    lede: str,
    notices: Sequence[str],
    findings: Sequence[str],
    parts: Sequence[Part],
    cautions: Sequence[str],
    pictures: Sequence[str],
) -> str:
    """``report.md``, up to how it was made.

    Args:
        title: of the whole.
        lede: Markdown below it.
        notices: what makes it less than it looks.
        findings: what it says, a paragraph each.
        parts: the sections after these.
        cautions: what stands below every table of results.
        pictures: names of files in ``figures/``, no ending.
    """
    found = [heading(1, title), lede, *(paragraph(notice, "> ") for notice in notices)]
    found += [heading(2, "Summary"), *map(paragraph, findings)]
    for part in parts:
        found += [heading(part.level, part.title)] if part.level else []
        found += map(paragraph, part.before)
        found += [markdown(part.table, notices=cautions)] if part.table is not None else []
        found += map(paragraph, part.after)
    if pictures:
        found += [heading(2, "Pictures"), *(f"![{name}](figures/{name}.svg)\n" for name in pictures)]
    return "\n".join(found)


def how_made(found: Made, *, created: str, suite_toml: str) -> str:
    """The document's last section."""
    text = [heading(2, "Reproducibility"), *map(paragraph, found.intro)]
    for table in found.tables:
        text += [heading(3, table.title), markdown(table)]
    for title, facts in found.facts.items():
        text += [heading(3, title), "".join(paragraph(f"{name}: {fact}", "- ") for name, fact in facts.items())]
    text.append(paragraph(f"Made {created}."))
    return "\n".join([*text, *(["".join(f"    {line}\n" for line in suite_toml.splitlines())] if suite_toml else [])])
