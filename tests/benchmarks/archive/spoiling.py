"""An archive as it should be, and what is asked of importing one that is not."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from afnetm.errors import UserError
from benchmarks.archive.exporting import export_suite
from benchmarks.archive.importing import import_suite
from benchmarks.plans.keys import run_key
from benchmarks.records.home import Home
from tests.benchmarks.archive.examples import fabricate, run, tree

KEY = run_key(run("concat", 0))
RESULT, CURVES, PREDICTIONS, AUXILIARY, GRADCAM, WEIGHTS = (
    f"runs/{KEY}/{name}"
    for name in (
        *("result.json", "curves.csv", "predictions.csv"),
        *("auxiliary_outputs.safetensors", "gradcam.safetensors", "weights.safetensors"),
    )
)
Content = dict[str, bytes]


@cache
def honest(*, shareable: bool = True) -> bytes:
    """An archive as it should be."""
    with TemporaryDirectory() as folder:
        home, out = fabricate(Path(folder) / "home", shareable=shareable, without=(1, 2, 3)), Path(folder) / "out.zip"
        export_suite(home, "people", out, weights=True)
        return out.read_bytes()


def refusal(path: Path, home: Home) -> str:
    """What importing `path` says as it is refused; that it does no harm."""
    before = tree(home.path)
    with pytest.raises(UserError) as caught:
        import_suite(path, home)
    assert tree(home.path) == before
    nowhere = Home(home.path.with_name("nowhere"))
    with pytest.raises(UserError):
        import_suite(path, nowhere)
    assert not nowhere.path.exists()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 1000
    assert message.startswith((f"{path.name}: ", "archive '"))
    return message
