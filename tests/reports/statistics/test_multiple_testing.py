"""Holm's procedure against its definition step by step, and R."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics.multiple_testing import holm

FAMILY = st.lists(st.one_of(st.just(np.nan), st.floats(0.0, 1.0)), max_size=12).map(np.array)


def test_r_s_values():
    """R 4, p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")."""
    assert holm(np.array([0.01, 0.02, 0.03, 0.04, 0.05])) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


@given(FAMILY, st.floats(0.001, 0.999))
def test_it_rejects_what_stepping_down_rejects(p, level):
    """Holm: the smallest p against level / N, the next against level / (N - 1), up to the first that is not below."""
    made = [index for index in np.argsort(p) if not np.isnan(p[index])]
    rejected = set()
    for step, index in enumerate(made):
        if p[index] * (len(made) - step) > level:
            break
        rejected.add(int(index))
    assert set(np.flatnonzero(holm(p) <= level)) == rejected


@given(FAMILY, st.randoms(use_true_random=False))
def test_it_adjusts_upwards_in_whatever_order(p, random):
    order = random.sample(range(len(p)), len(p))
    adjusted = holm(p)
    np.testing.assert_array_equal(np.isnan(adjusted), np.isnan(p))
    made = ~np.isnan(p)
    assert (adjusted[made] >= p[made]).all()
    assert (adjusted[made] <= 1.0).all()
    np.testing.assert_array_equal(holm(p[order]), adjusted[order])
