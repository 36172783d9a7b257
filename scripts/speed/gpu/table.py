"""The short tables at the end: what the machine is, what was found right or wrong, and how fast steps are."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_Cells = list[dict[str, Any]]
#: Of all that `machine` finds, what a figure cannot be read without.
_NAMED = ("torch", "CUDA", "cuDNN", "driver", "timm", "commit")


def show(cells: _Cells, console: Console) -> None:
    """Prints the cells of one call, as they are in the file."""
    found = {cell["cell"]: cell.get("found", {}) for cell in cells}
    machine, ceilings = found.get("machine", {}), found.get("ceilings", {})
    named = [f"{name} {machine[name]}" for name in _NAMED if name in machine]
    console.print(escape(", ".join([str(machine.get("device", "unknown device")), *named])), soft_wrap=True)
    if ceilings:
        copied, multiplied = ceilings["bytes_per_second"] / 1e9, ceilings["flop_per_second"] / 1e12
        console.print(f"copies {copied:,.0f} GB/s, multiplies {multiplied:,.2f} TFLOP/s in bfloat16")
    steps = [cell for cell in cells if "ms" in cell.get("found", {})]
    others = [cell for cell in cells if cell not in steps and (cell["status"] != "ok" or cell["cell"] not in _HEAD)]
    for table in (_findings(others), _steps(steps, ceilings), _protocol(found)):
        if table.row_count:
            console.print()
            console.print(table)


_HEAD = ("machine", "ceilings")


def _findings(cells: _Cells) -> Table:
    out = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("cell", "status", "s"):
        out.add_column(name, no_wrap=True, justify="right" if name == "s" else "left")
    out.add_column("found", overflow="fold")
    for cell in cells:
        words = cell.get("error") or ", ".join(_words(cell.get("found", {})))
        style = None if cell["status"] == "ok" else "red"
        out.add_row(escape(cell["cell"]), cell["status"], f"{cell['seconds']:.1f}", escape(words), style=style)
    return out


def _words(found: dict[str, Any]) -> Iterable[str]:
    """Remarks on a cell: what is there and is not just as it should be; what is long is in the file alone."""
    for name, value in found.items():
        if isinstance(value, float):
            yield f"{name} {value:.3g}"
        elif not isinstance(value, list) and value not in {None, "ok"}:
            yield f"{name} {value}"


def _steps(cells: _Cells, ceilings: dict[str, float]) -> Table:
    """Of each step also how near it comes to what the machine does at best, by operations and by bytes."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("cell", "ms a step", "least", "most", "scans/s", "peak FLOP/s", "bandwidth", "roofline", "memory, MB"):
        out.add_column(name, no_wrap=name == "cell", justify="left" if name == "cell" else "right")
    for cell in cells:
        found = cell["found"]
        shares = ["", "", ""]
        if ceilings:
            rates = (found["flop"] / ceilings["flop_per_second"], found["bytes"] / ceilings["bytes_per_second"])
            shares = [f"{rate / (found['ms'] / 1e3):.1%}" for rate in (*rates, max(rates))]
        times = [f"{found[name]:.3g}" for name in ("ms", "ms_min", "ms_max")]
        memory = "" if found["peak_memory"] is None else f"{found['peak_memory'] / 1e6:,.0f}"
        out.add_row(escape(cell["cell"]), *times, f"{found['scans_per_second']:,.0f}", *shares, memory)
    return out


#: BU-3DFE as papers have it, ten folds a hundred times, by ten methods; each run is 60 epochs of 21 steps.
_RUNS, _METHODS, _STEPS = 1000, 10, 60 * 21


def _protocol(found: dict[str, dict[str, Any]]) -> Table:
    """Hours that the protocol takes this machine where all methods are like `concat`: by way, and processes at once."""
    out = Table(
        box=None, pad_edge=False, header_style="bold", title="BU-3DFE, 10 methods like concat", title_justify="left"
    )
    for name in ("way", "processes", "steps/s", "folds/h", "hours"):
        out.add_column(name, justify="left" if name == "way" else "right")
    for way in ("as is", "graph"):
        own = found.get(f"run {way}", {}).get("own_seconds", 0.0)
        for name, rate in found.get(f"processes {way}", {}).items():
            if name.endswith(" steps/s"):
                count = int(name.split()[0])
                folds = 3600 * count / (_STEPS * count / rate + own)
                hours = _RUNS * _METHODS / folds
                out.add_row(way, str(count), f"{rate:,.1f}", f"{folds:,.1f}", f"{hours:,.1f}")
    return out
