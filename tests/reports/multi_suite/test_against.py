"""Every method against the control, as each suite's own table of pairs has it."""

import pytest

from reports.formats import NOTHING
from reports.multi_suite.suites import MultiSuite
from reports.multi_suite.versus_control import tallies, versus_control, versus_control_table
from tests.reports.multi_suite.conftest import with_info


def test_differences_p_and_tallies_are_those_of_the_suites_own_tables(named):
    ours, theirs = named("ours"), named("theirs", seed=1, control="depth")
    multi = MultiSuite([ours, theirs])
    found = versus_control(multi).set_index(["method", "suite"])
    counted = {"depth": [0, 0, 0], "late": [0, 0, 0]}
    for one, name in ((ours, "ours"), (theirs, "theirs")):
        for other, counts in counted.items():
            pair = one.results.pairing.pair(other, "afnetm")  # whoever the suite compares with
            row = found.loc[(other, name)]
            assert (row["difference"], row["low"], row["high"]) == pytest.approx(
                (pair.accuracy.value, pair.accuracy.interval.low, pair.accuracy.interval.high)
            )
            own = one.pairs[one.pairs[["method_a", "method_b"]].isin([other, "afnetm"]).all(axis=1)]["p_holm"].item()
            assert row["p_holm"] == own
            counts[1 if own >= 0.05 else 0 if row["difference"] > 0 else 2] += 1
    assert {m: [c["win"], c["tie"], c["loss"]] for m, c in tallies(multi, versus_control(multi)).items()} == counted
    assert sum(sum(counts) for counts in counted.values()) == 4
    formatted = versus_control_table(multi, versus_control(multi)).text
    assert formatted.iloc[:, -1].tolist() == [" / ".join(map(str, counts)) for counts in counted.values()]


def test_a_suite_without_the_control_compares_nothing(named):
    multi = MultiSuite([named("a"), named("b", skills={"depth": 0.3, "late": 0.9}, seed=1)])
    assert set(versus_control(multi)["suite"]) == {"a"}
    assert versus_control_table(multi, versus_control(multi)).text.iloc[:, 2].tolist() == [NOTHING, NOTHING]
    apart = MultiSuite([named("a", skills={"afnetm": 1.0}), named("b", skills={"late": 0.9}, seed=1)])
    assert versus_control(apart).empty


def test_what_is_not_one_method_has_no_tally(named):
    def counted(label):
        multi = MultiSuite([named("a"), with_info(named("b", seed=1).results, label, version=2)])
        return set(tallies(multi, versus_control(multi)))

    assert counted("late") == {"depth"}
    assert counted("afnetm") == set()
