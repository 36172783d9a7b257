"""The report over several suites as one Markdown document: the same words and tables as its page."""

from collections.abc import Mapping, Sequence

from reports.markup import heading, markdown, markdown_text, paragraph
from reports.multi_suite.tables import ReportTable


def document(
    title: str,
    *,
    suites: Mapping[str, tuple[str, str]],
    notices: Sequence[str],
    findings: Sequence[str],
    sheets: Sequence[ReportTable],
    pictures: Sequence[str],
    caution: str,
    created: str,
) -> str:
    """``report.md``.

    Args:
        title: of the whole.
        suites: by name a link to the suite's own report, and its description.
        notices: what makes it less than it looks.
        findings: what it says.
        sheets: its tables.
        pictures: names of files in ``figures/``, no ending.
        caution: what stands under every table.
        created: when it was made.
    """
    parts = [
        heading(1, title),
        "".join(
            f"- [{markdown_text(name)}]({link}): {markdown_text(message)}\n" for name, (link, message) in suites.items()
        ),
        *(paragraph(notice, "> ") for notice in notices),
        heading(2, "Summary"),
        *map(paragraph, findings),
    ]
    for sheet in sheets:
        parts += [
            heading(2, sheet.title),
            markdown(sheet.formatted, notice=" ".join(filter(None, [*sheet.notes, caution]))),
        ]
    if pictures:
        parts += [heading(2, "Pictures"), *(f"![{name}](figures/{name}.svg)\n" for name in pictures)]
    return "\n".join([*parts, paragraph(f"Made {created} from the records alone.")])
