"""The choice of a training configuration: the best mean over methods, but not for the sake of noise."""

import pandas as pd
import pytest

from benchmarks.plans.suite_files import read_suite_file, suite_names
from scripts.training import CUSTOMARY, SUITE, chosen


@pytest.mark.parametrize(("lead", "choice"), [(0.005, 1e-3), (0.02, 2e-3)])
def test_a_value_must_be_worth_leaving_the_customary_one(lead: float, choice: float) -> None:
    rows = [
        (method, rate, base + (lead if rate == 2e-3 else -0.1 if rate == 8e-3 else 0.0))
        for method, base in (("late", 0.7), ("mbt", 0.4))
        for rate in (1e-3, 2e-3, 8e-3)
    ]
    assert chosen(pd.DataFrame(rows, columns=["method", "learning_rate", "accuracy"]), "learning_rate") == choice
    assert CUSTOMARY["learning_rate"] == 1e-3


def test_its_subjects_are_in_no_suite() -> None:
    def seed(reference: str) -> int | None:
        return read_suite_file(reference).tables["dataset"].get("synthetic", {}).get("seed")

    assert seed(str(SUITE)) not in {seed(name) for name in suite_names()}
