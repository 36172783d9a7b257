import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from afnetm import workers
from afnetm.workers import core_count, environment


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes are not bound to cores here")
def test_cores_are_those_that_the_process_is_bound_to() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from afnetm.workers import core_count; print(core_count())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("own", "shares", "cores"),
    [
        ("/", {}, 16),
        ("/slurm/job7/step0", {"slurm": "max 100000", "slurm/job7": "350000 100000", "slurm/job7/step0": "max"}, 4),
        ("/slurm/job7", {"slurm": "200000 100000", "slurm/job7": "800000 100000"}, 2),
        ("/slurm/job7", {"slurm/job7": "20000 100000"}, 1),
        ("/slurm/job7", {"slurm/job7": "9900000 100000"}, 16),
        ("/../elsewhere", {"elsewhere": "100000 100000"}, 16),  # seen from within another container
        (None, {}, 16),
    ],
)
def test_cores_are_no_more_than_any_group_around_the_process_may_use(
    own: str | None, shares: dict[str, str], cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own is not None:
        (tmp_path / "cgroup").write_text(f"1:name=systemd:/other\n0::{own}\n")
    for group, share in shares.items():
        (tmp_path / "groups" / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / group / "cpu.max").write_text(f"{share}\n")
    monkeypatch.setattr(workers, "_CONTROL_GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(workers, "_CONTROL_GROUPS", tmp_path / "groups")
    monkeypatch.setattr("joblib.cpu_count", lambda: 16)
    monkeypatch.setattr(os, "cpu_count", lambda: 32)
    assert core_count() == cores


def test_an_environment_is_put_back_also_where_what_it_is_for_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "before")
    monkeypatch.delenv("NEW", raising=False)
    with suppress(KeyError), environment({"HERE": "meanwhile", "NEW": "1"}):
        assert (os.environ["HERE"], os.environ["NEW"]) == ("meanwhile", "1")
        raise KeyError
    assert os.environ["HERE"] == "before"
    assert "NEW" not in os.environ
