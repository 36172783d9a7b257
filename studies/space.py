"""Search spaces: a method's own, and the keys of the training configuration that matter to all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.strict import parse
from afnetm.training.config import TrainingConfig

#: Keys of the training configuration that a search may tune, the same ranges for every method.
TRAINING: Mapping[str, BaseDistribution] = {
    "learning_rate": FloatDistribution(3e-4, 1e-2, log=True),  # AdamW's customary 1e-3 and a factor of 3 to 10 around
    "weight_decay": FloatDistribution(1e-3, 0.3, log=True),  # from hardly any to several times AdamW's usual 0.05
}
#: The same where an encoder's given weights are trained further. Authors fine-tune whole networks by AdamW at 5e-5
#: (ConvNeXt's TRAINING.md) to 2e-3 (MAE's FINETUNE.md: 5e-4 * 1024 / 256), and a detector's backbone at a tenth of the
#: rate of what is new (DETR: 1e-5 and 1e-4).
FINE_TUNING: Mapping[str, BaseDistribution] = {
    **TRAINING,
    "learning_rate": FloatDistribution(2e-5, 2e-3, log=True),
    "pretrained_factor": FloatDistribution(0.03, 1.0, log=True),  # searched where the suite names it
}

#: Before a training configuration's key in a trial's parameters.
PREFIX = "training."


@dataclass(frozen=True)
class Space:
    """A search space.

    Attributes:
        distributions: by parameter: a method's hyper-parameter, or a training configuration's key after `PREFIX`.
        start: the suite's own values of them, where they lie within; the first trial's.
    """

    distributions: Mapping[str, BaseDistribution]
    start: Mapping[str, Any]

    @property
    def dimensions(self) -> int:
        """Number of parameters that are searched."""
        return len(self.distributions)

    def plan(self) -> dict[str, Any]:
        """As JSON values, so that two spaces can be told apart, to the last digit."""
        ranges = {name: exactly(distribution) for name, distribution in self.distributions.items()}
        return {"space": ranges, "start": dict(self.start)}

    @classmethod
    def planned(cls, plan: Mapping[str, Any]) -> "Space":
        """The space of a plan."""
        return cls({name: _distribution(limits) for name, limits in plan["space"].items()}, plan["start"])


def search_space(
    method: Method,
    config: TrainingConfig,
    *,
    fixed: Collection[str],
    training: Sequence[str],
    fine_tuned: bool = False,
) -> Space:
    """The space of `method` under `config`.

    Args:
        method: with the suite's values.
        config: with the suite's values.
        fixed: hyper-parameters that the suite has decided; they are not searched.
        training: keys of `TRAINING`, or of `FINE_TUNING`, to search.
        fine_tuned: whether an encoder's given weights are trained further, which takes other ranges.

    Raises:
        UserError: nothing is left to search.
    """
    own = {name: distribution for name, distribution in method.space.items() if name not in fixed}
    ranges = FINE_TUNING if fine_tuned else TRAINING
    distributions = own | {PREFIX + key: ranges[key] for key in training}
    if not distributions:
        raise UserError(f"method '{method.name}': nothing to search; its hyper-parameters are fixed, training = []")
    values = {name: getattr(method, name) for name in own} | {PREFIX + key: getattr(config, key) for key in training}
    return Space(distributions, {name: v for name, v in values.items() if _within(distributions[name], v)})


def apply(params: Mapping[str, Any], method: Method, config: TrainingConfig) -> tuple[Method, TrainingConfig]:
    """`method` and `config` with a trial's parameters in place of their own; both are checked as if read from a suite.

    Raises:
        UserError: a value is not allowed, or there is no such parameter.
    """
    own = {name: value for name, value in params.items() if not name.startswith(PREFIX)}
    shared = {name.removeprefix(PREFIX): value for name, value in params.items() if name.startswith(PREFIX)}
    before = {field.name: getattr(method, field.name) for field in fields(method)}
    return parse(type(method), before | own), parse(TrainingConfig, asdict(config) | shared)


def message(distribution: BaseDistribution) -> str:
    """For people: ``0.0003 to 0.01, log``, ``4, 8 or 16``."""
    if isinstance(distribution, CategoricalDistribution):
        *most, last = map(str, distribution.choices)
        return f"{', '.join(most)} or {last}" if most else last
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    text = f"{distribution.low:g} to {distribution.high:g}"
    if distribution.log:
        text += ", log"
    step = distribution.step
    return text if step is None or (step == 1 and isinstance(distribution, IntDistribution)) else f"{text}, by {step:g}"


def exactly(distribution: BaseDistribution) -> dict[str, Any]:
    """A range as JSON values, to the last digit: ``choices``, or ``low``, ``high``, ``log``, ``step`` and ``whole``."""
    if isinstance(distribution, CategoricalDistribution):
        return {"choices": list(distribution.choices)}
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    whole = isinstance(distribution, IntDistribution)
    limits = {name: getattr(distribution, name) for name in ("low", "high", "log", "step")}
    return limits | {"whole": whole}


def _distribution(limits: Mapping[str, Any]) -> BaseDistribution:
    """The range that `exactly` gives `limits` of."""
    if "choices" in limits:
        return CategoricalDistribution(limits["choices"])
    kind = IntDistribution if limits["whole"] else FloatDistribution
    return kind(**{name: value for name, value in limits.items() if name != "whole"})


def _within(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return any(bool(value == choice) for choice in distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if not distribution.low <= value <= distribution.high:
        return False
    steps = 0.0 if distribution.step is None else (value - distribution.low) / distribution.step
    return bool(abs(steps - round(steps)) < 1e-9)
