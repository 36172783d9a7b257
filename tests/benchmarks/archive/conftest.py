"""Archives to be spoilt, and a home that must not mind."""

import pytest

from benchmarks.records.home import Home
from tests.benchmarks.archive.examples import fabricate, members
from tests.benchmarks.archive.spoiling import Content, honest


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    """Its members, to be spoilt; a contents.json that fits is made of what they are then."""
    path = tmp_path_factory.mktemp("honest") / "out.zip"
    path.write_bytes(honest())
    return members(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that has something, and to which nothing is ever to happen."""
    return fabricate(tmp_path_factory.mktemp("home") / "home", without=(0, 4))
