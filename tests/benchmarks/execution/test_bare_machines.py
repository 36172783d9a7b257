"""A machine that only trains and tests, on datasets made elsewhere, has little installed (``nox -s gpu``)."""

import subprocess
import sys
from pathlib import Path

#: What such a machine lacks; those that make datasets, keep searches or show results.
ABSENT = ("mlflow", "optuna_dashboard", "sqlalchemy", "alembic", "trimesh", "embreex", "anny", "tomlkit", "cmaes")
WITHOUT = f"""
import sys
for name in {ABSENT}:
    sys.modules[name] = None  # as if it were not installed
import benchmarks.execution.driver, benchmarks.execution.evaluating, benchmarks.execution.executing
"""


def test_what_a_worker_imports_needs_nothing_that_such_a_machine_lacks(tmp_path: Path) -> None:
    done = subprocess.run((sys.executable, "-c", WITHOUT), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_list_is_that_of_the_session_that_proves_it() -> None:
    text = (Path(__file__).parents[3] / "noxfile.py").read_text()
    assert "ABSENT = " + str(ABSENT).replace("'", '"') in text
