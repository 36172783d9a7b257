"""Pictures of a study: drawn where there is something to see, alike every time, and no larger for many trials."""

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from PIL import Image

from studies.pictures import pictures
from studies.scales import scale
from studies.table import FEWEST, importances

SPACE = {
    "features": IntDistribution(32, 512, log=True),
    "dropout": FloatDistribution(0.0, 0.5),
    "kind": CategoricalDistribution(["a" * 40, "$x_1", None]),
    "layers": IntDistribution(2, 2),
    "training.learning_rate": FloatDistribution(3e-4, 1e-2, log=True),
}
ALWAYS = {"history.png", "slices.png", "parallel.png"}


def trials(count: int, *, names: Sequence[str] = tuple(SPACE), every: TrialState | None = None) -> list[FrozenTrial]:
    """Random settings whose score the learning rate alone decides, if it is searched; some pruned, some failed."""
    rng = np.random.default_rng(0)
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    found = []
    for number in range(count):
        params = study.ask({name: SPACE[name] for name in names}).params
        state = {3: TrialState.PRUNED, 5: TrialState.FAIL}.get(number % 8, TrialState.COMPLETE)
        state = state if every is None else every
        score = 0.5 + 0.1 * np.log10(params.get("training.learning_rate", 1.0)) + rng.normal(0, 0.001)
        trial = create_trial(
            state=state,
            value=score if state == TrialState.COMPLETE else None,
            params=params,
            distributions={name: SPACE[name] for name in names},
            intermediate_values={} if state == TrialState.FAIL else {0: score},
        )
        trial.number = number
        found.append(trial)
    return found


def drawn(some: list[FrozenTrial]) -> dict[str, bytes]:
    complete = [trial for trial in some if trial.state == TrialState.COMPLETE]
    best_trial = max(complete, key=lambda trial: (trial.value, -trial.number), default=None)
    return pictures(some, best_trial=best_trial.number if best_trial else None, metric="accuracy", pruner="median")


@pytest.mark.parametrize(
    ("count", "names", "expected"),
    [
        (1, tuple(SPACE), ALWAYS),
        (3, tuple(SPACE), ALWAYS),
        (20, tuple(SPACE), ALWAYS | {"importances.png"}),
        (20, ("dropout",), ALWAYS),
        (300, tuple(SPACE), ALWAYS | {"importances.png"}),
    ],
)
def test_what_can_be_drawn_is_a_picture_that_says_something(
    count: int, names: tuple[str, ...], expected: set[str]
) -> None:
    found = drawn(trials(count, names=names))
    assert set(found) == expected
    for content in found.values():
        assert len(content) < 1_000_000
        with Image.open(io.BytesIO(content)) as image:
            assert min(image.size) > 100
            assert max(image.size) < 2000
            shades = image.convert("L").getextrema()
        assert shades[0] < 60
        assert shades[1] == 255


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED, TrialState.RUNNING])
def test_without_a_best_trial_nothing_is_drawn(state: TrialState) -> None:
    assert drawn(trials(12, every=state)) == {}
    assert drawn([]) == {}


def test_the_same_trials_give_the_same_bytes_and_nothing_of_matplotlib_is_changed() -> None:
    before = dict(mpl.rcParams)
    assert drawn(trials(20)) == drawn(trials(20))
    assert dict(mpl.rcParams) == before


def test_the_parameter_that_decides_is_the_important_one() -> None:
    shares = importances(trials(40))
    assert sum(shares.values()) == pytest.approx(1.0)
    assert max(shares, key=shares.__getitem__) == "training.learning_rate"
    assert shares["training.learning_rate"] > 0.8
    assert shares["layers"] == 0.0  # it has one value


def test_importances_need_enough_trials_that_differ() -> None:
    complete = trials(FEWEST, every=TrialState.COMPLETE)
    assert importances(complete)
    assert importances(complete[:-1]) == {}
    assert importances(trials(FEWEST, every=TrialState.COMPLETE, names=["dropout"])) == {}
    for trial in complete:
        trial.value = 0.5
    assert importances(complete) == {}


@pytest.mark.parametrize("distribution", SPACE.values(), ids=SPACE)
def test_an_axis_spans_what_was_searched_in_its_order(distribution: optuna.distributions.BaseDistribution) -> None:
    axis = scale(distribution)
    if isinstance(distribution, CategoricalDistribution):
        values: list[object] = list(distribution.choices)
    else:
        values = [distribution.low, distribution.high]
    places = axis.places(values)
    assert list(places) == sorted(places)
    assert places.min() >= 0
    assert places.max() <= 1
    if not isinstance(distribution, CategoricalDistribution) and not distribution.single():
        assert list(places) == [0, 1]
        for place, label in axis.ticks:
            assert axis.places([float(label)]) == pytest.approx([place])
    assert len(axis.ticks) >= min(2, len(set(places)))
