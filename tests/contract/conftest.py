"""Every registered method in turn, built and trained once for all checks of it."""

from collections.abc import Iterator
from importlib.metadata import entry_points

import pytest

from afnetm.contract.bench import Bench
from afnetm.installation import METHODS
from afnetm.registry import find_method
from afnetm.training.process import prepared

_NAMES = sorted({point.name for point in entry_points(group=METHODS)})


# With `--dist loadgroup` all of a method is checked by one worker, which trains it once.
@pytest.fixture(scope="session", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in _NAMES])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Of a registered method; one that cannot be loaded fails its own tests with what is wrong with it."""
    return Bench(find_method(request.param))


@pytest.fixture(autouse=True)
def _as_in_a_worker() -> Iterator[None]:
    with prepared():
        yield
