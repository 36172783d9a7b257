"""How long a run would take: by the steps it has, and told in words that fit."""

import pytest
import torch

from afnetm.model.encoder import EncoderSpec
from afnetm.registry import find_method
from afnetm.training.config import TrainingConfig
from benchmarks.commands.timing import estimate_seconds
from benchmarks.terminal.words import duration


def seconds(method: str, **changed: int) -> float:
    threads = torch.get_num_threads()
    config = TrainingConfig(epochs=changed.pop("epochs", 10), batch_size=8, precision="float32")
    sizes = {"classes": 6, "size": 32, "train": 60, "test": 30} | changed
    try:
        return estimate_seconds(find_method(method)(), EncoderSpec(width=0.25), config, **sizes, device="cpu")
    finally:
        torch.set_num_threads(threads)


def test_a_run_takes_longer_with_more_epochs_and_with_two_streams() -> None:
    one = seconds("texture")
    assert 0.01 < one < 60
    assert 3 * one < seconds("texture", epochs=100) < 30 * one  # ten times, as far as clocks go
    assert seconds("late", size=64) > one


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (5900, "98 min"), (6000, "1 h 40 min"), (3 * 86400, "3 days")],
)
def test_times_in_words(value: float, words: str) -> None:
    assert duration(value) == words
