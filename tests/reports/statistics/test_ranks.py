"""Ranks over datasets against Demšar's worked example."""

import numpy as np
import pandas as pd
import pytest

from reports.schema import ReportError
from reports.statistics.ranks import friedman, why_not

# Demšar, JMLR 7, 2006, table 6: areas under the curve of C4.5 on 14 datasets. The 13th is printed as a tie of the last
# two but ranked as none; scipy's own tests, "verified with matlab and R", write 0.9751 for it.
DEMSAR = pd.DataFrame(
    {
        "C4.5": [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.0, 0.94, 0.619, 0.972, 0.957],
        "C4.5+m": [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.0, 0.962, 0.666, 0.981, 0.978],
        "C4.5+cf": [0.771, 0.59, 0.968, 0.654, 0.886, 0.916, 0.609, 0.563, 0.866, 1.0, 0.965, 0.614, 0.9751, 0.946],
        "C4.5+m+cf": [0.798, 0.569, 0.967, 0.657, 0.898, 0.931, 0.685, 0.625, 0.875, 1.0, 0.962, 0.669, 0.975, 0.97],
    }
)


def test_demsar_s_example():
    found = friedman(DEMSAR)
    assert found.ranks.round(3).to_dict() == {"C4.5+m+cf": 1.964, "C4.5+m": 2.0, "C4.5+cf": 2.893, "C4.5": 3.143}
    assert found.ranks.index[0] == "C4.5+m+cf"
    assert found.critical == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 14)), abs=1e-3)
    assert found.critical == pytest.approx(1.25, abs=5e-3)
    # 9.28 in the paper, without the correction for ties; with it as scipy's tests have it
    assert (found.statistic, found.p) == pytest.approx((10.2283464566929, 0.0167215803284414))


@pytest.mark.parametrize(("methods", "q"), [(3, 2.343), (5, 2.728), (10, 3.164)])
def test_critical_values_are_those_of_demsar_s_table_5(methods, q):
    scores = pd.DataFrame(np.random.default_rng(0).random((6, methods)))
    assert friedman(scores).critical / np.sqrt(methods * (methods + 1) / 36) == pytest.approx(q, abs=1e-3)


def test_too_few_data_sets_say_why():
    assert "need at least 5; here is one" in why_not(1, 5)
    assert why_not(5, 3) == ""
    assert "at least 3 methods" in why_not(5, 2)
    with pytest.raises(ReportError, match="4 datasets"):
        friedman(DEMSAR.head(4))


def test_a_missing_score_is_named():
    with pytest.raises(ReportError, match=r"'C4.5\+m' on 3 is nan"):
        friedman(DEMSAR.assign(**{"C4.5+m": DEMSAR["C4.5+m"].where(DEMSAR.index != 3)}))


def test_data_sets_that_tell_no_methods_apart_have_no_statistic():
    found = friedman(pd.DataFrame(np.ones((5, 3)), columns=list("abc")))
    assert np.isnan(found.p)
    assert found.ranks.tolist() == [2.0, 2.0, 2.0]
