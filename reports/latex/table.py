"""A table as LaTeX floats, to be ``\\input`` into a paper: with caption, label and notes, no wider than the paper."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from reports import formats
from reports.latex.columns import NARROW_SPACE, NARROWEST, SIZE, Layout, PrintedColumn, layout, printed, widths
from reports.latex.text import ems, latex_text
from reports.table import Table

#: Lines of one float, without its caption and notes: as many as an article's shortest page takes with these.
_LINES = 44
#: LaTeX keeps so many floats that wait for their place, unless it is told that there are more.
_WAITING = 40
_PLACES = {"best": r"\textbf{{{}}}", "second": r"\underline{{{}}}", "": "{}"}
_TEXT = r">{\raggedright\arraybackslash\hangindent=1em}X"
_STACK = r"\def\stack#1{\begin{tabular}[t]{@{}r@{}}#1\end{tabular}}"
#: Between a score and what stands below it, which is smaller.
_BELOW = r"\\[-1pt]\scriptsize "


def latex(table: Table, *, label: str) -> str:
    """`table` as LaTeX: a float as wide as a column or a page; of what is longer or wider than a page, several.

    Its type is ``\\footnotesize``. It needs the packages ``booktabs`` and ``tabularx``, for check marks ``amssymb``.
    `label` is what ``\\ref`` finds it by; of several floats the first has it.
    """
    found = printed(table)
    plan = layout(found)
    parts = [
        ([found[place] for place in group], rows)
        for group in plan.groups
        for rows in _portions([found[place] for place in group], plan)
    ]
    several = len(parts) > 1
    name = "table*" if plan.wide else "table"
    floats = []
    for number, (group, rows) in enumerate(parts):
        caption = latex_text(table.caption or f"{table.title}.") + (
            rf" (part {number + 1} of {len(parts)})" if several else ""
        )
        floats.append(
            "\n".join(
                [
                    rf"\begin{{{name}}}[tp]",
                    *([r"\addtocounter{table}{-1}"] if number else []),
                    rf"\emergencystretch=2em\caption{{{caption}}}" + ("" if number else rf"\label{{{label}}}"),
                    rf"\footnotesize\setlength{{\tabcolsep}}{{{plan.gap:g}pt}}",
                    *([_STACK] if plan.stacked else []),
                    *_tabular(group, rows, plan),
                    *(_notes(table.paper_notes or table.notes) if number == len(parts) - 1 else []),
                    rf"\end{{{name}}}",
                    "",
                ]
            )
        )
    packages = ["booktabs", "tabularx"]
    if any(formats.CHECK in cell.text for column in found for cell in column.cells):
        packages.append("amssymb")
    more = [rf"\extrafloats{{{len(parts)}}}"] if len(parts) > _WAITING else []
    return "\n".join([rf"% \usepackage{{{', '.join(packages)}}}", *more, *floats])


def slug(text: str) -> str:
    """`text` as a part of a label."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "table"


def _portions(found: Sequence[PrintedColumn], plan: Layout) -> list[list[int]]:
    """The numbers of the rows of each float, about as many lines in each."""
    room = widths(found, plan)
    lines = [
        max(one.lines(row, width=width, stacked=plan.stacked) for one, width in zip(found, room, strict=True))
        for row in range(len(found[0].cells))
    ]
    if not lines:
        return [[]]
    count = max(1, math.ceil(sum(lines) / max(1, _LINES + 1 - max(lines))))
    portions: list[list[int]] = [[] for _ in range(count)]
    for row, above in enumerate(accumulate(lines[:-1], initial=0)):
        portions[above * count // sum(lines)].append(row)
    return [portion for portion in portions if portion]


def _tabular(found: Sequence[PrintedColumn], rows: Sequence[int], plan: Layout) -> Iterator[str]:
    """One ``tabularx`` as wide as its float."""
    last = len(found) - 1
    yield rf"\begin{{tabularx}}{{\linewidth}}{{@{{}}{''.join(map(_kind, found, [plan] * len(found)))}@{{}}}}"
    yield r"\toprule"
    heads = [_wrapped(one.heading, width) for one, width in zip(found, widths(found, plan), strict=True)]
    most = max(map(len, heads))
    for line in range(most):
        cells = [
            _heading(head[line - most + len(head)] if line >= most - len(head) else "", one, plan, last=place == last)
            for place, (head, one) in enumerate(zip(heads, found, strict=True))
        ]
        yield f"{' & '.join(cells)} \\\\"
    yield r"\midrule"
    for place, row in enumerate(rows):
        if plan.stacked and place:
            yield r"\addlinespace[2pt]"
        yield f"{' & '.join(_cell(column, row, plan) for column in found)} \\\\"
    yield r"\bottomrule"
    yield r"\end{tabularx}"


def _notes(notes: Sequence[str]) -> list[str]:
    text = " ".join(latex_text(note) for note in notes if note)
    return [rf"\par\smallskip\parbox{{\linewidth}}{{\scriptsize\raggedright {text}}}"] if text else []


def _kind(column: PrintedColumn, plan: Layout) -> str:
    if column.first or column.text:
        return _TEXT
    if not column.number:
        return "c"
    apart = 2.0 * NARROW_SPACE if any(cell.mark for cell in column.cells) else NARROW_SPACE
    return rf"r@{{\hspace{{{apart:g}pt}}}}r" if column.paired and not plan.stacked else "r"


def _wrapped(heading: str, width: float) -> list[str]:
    """A heading as lines no wider than its column; words that are get broken."""
    lines: list[str] = []
    for word in heading.split(" "):
        if lines and SIZE * ems(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and SIZE * ems(lines[-1] + letter) > max(width, NARROWEST):
                lines.append("")
            lines[-1] += letter
    return lines


def _heading(line: str, column: PrintedColumn, plan: Layout, *, last: bool) -> str:
    text = re.sub(r"\bp\b", "$p$", latex_text(line))
    pair = column.paired and not plan.stacked
    if not text:
        return " & " if pair else ""
    return rf"\multicolumn{{2}}{{{'c@{}' if last else 'c'}}}{{{text}}}" if pair else text


def _cell(column: PrintedColumn, row: int, plan: Layout) -> str:
    cell = column.cells[row]
    if not column.number:
        return latex_text(str(cell))
    value = _PLACES[cell.place].format(_number(cell.text))
    value += rf"\rlap{{{latex_text(cell.mark)}}}" if cell.mark else ""
    beside = [f"({_number(', '.join(cell.ends))})"] if cell.ends else []
    if cell.p:
        beside.append(f"$p${_number(cell.p)}" if cell.p.startswith("<") else f"$p=${_number(cell.p)}")
    if plan.stacked:
        return rf"\stack{{{_BELOW.join([value, *beside])}}}" if beside else value
    return f"{value} & {' '.join(beside)}" if column.paired else " ".join([value, *beside])


def _number(text: str) -> str:
    """A number with signs of one width, and close to its unit."""
    return re.sub(r"(?<=\d) (?=[A-Za-z])", r"\\,", latex_text(text).replace("+", "$+$"))
