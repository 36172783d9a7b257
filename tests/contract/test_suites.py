"""Every suite that comes with the project can be run as it is written: each of its methods, on its encoder."""

from functools import cache

import pytest
import torch

from afnetm.contract.bench import Bench
from afnetm.contract.inputs import noise_faces
from afnetm.contract.outputs import check_output
from afnetm.data.scan import EXPRESSIONS
from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.model.stream import Stream, check_encoder
from benchmarks.plans.suite import load_suite
from benchmarks.plans.suite_files import suite_names


@cache
def as_written() -> dict[str, Method]:
    """Every method of every suite that differs from those before it, by ``suite.label``."""
    found: dict[str, Method] = {}
    for name in suite_names():
        for label, method in load_suite(name).methods.items():
            if method not in found.values():
                found[f"{name}.{label}"] = method
    return found


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", suite_names())
def test_its_encoder_serves_all_of_its_methods(name):
    suite = load_suite(name)
    size = 224 if suite.dataset.synthetic is None else suite.dataset.synthetic.size
    staged = [label for label, method in suite.methods.items() if method.needs_stages]
    refused = ""
    try:
        check_encoder(suite.encoder, size=size, staged=staged)
    except UserError as error:
        refused = str(error)
    assert not refused, f"{name}: {refused}"
    height, width = Stream(suite.encoder, 3)(torch.zeros(1, 3, size, size)).shape[2:]
    assert min(height, width) >= 4, f"{name}: attention, gates and tokens have a last map of {height} x {width}"


def test_its_methods_answer_with_the_hyperparameters_it_gives_them():
    for label, method in as_written().items():
        with torch.no_grad():
            output = Bench(type(method)).build(method).eval()(noise_faces(2))
        check_output(output, count=2, classes=len(EXPRESSIONS), of=label)
