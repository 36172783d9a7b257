"""Every registered method in turn, built and trained once for all checks of it."""

from collections.abc import Iterator
from importlib.metadata import entry_points

import pytest

from afnetm.contract.bench import Bench
from afnetm.installation import METHODS
from afnetm.registry import find_method
from afnetm.training.process import prepared


@pytest.fixture(scope="session", params=sorted({point.name for point in entry_points(group=METHODS)}))
def bench(request: pytest.FixtureRequest) -> Bench:
    """Of a registered method; one that cannot be loaded fails its own tests with what is wrong with it."""
    return Bench(find_method(request.param))


@pytest.fixture(autouse=True)
def _as_in_a_worker() -> Iterator[None]:
    with prepared():
        yield
