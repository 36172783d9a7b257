"""Every suite that comes with the project can be run as it is written: each of its methods, on its encoder."""

from functools import cache

import pytest
import torch

from afnetm.errors import UserError
from afnetm.method import Method
from afnetm.model.stream import check_encoder
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


@pytest.mark.parametrize("name", suite_names())
def test_its_encoder_serves_all_of_its_methods(name):
    suite = load_suite(name)
    size = 224 if suite.cohort.synthetic is None else suite.cohort.synthetic.size
    staged = [label for label, method in suite.methods.items() if method.staged]
    refused = ""
    try:
        check_encoder(suite.encoder, size=size, staged=staged)
    except UserError as error:
        refused = str(error)
    assert not refused, f"{name}: {refused}"


def test_its_methods_answer_with_the_hyperparameters_it_gives_them(build, make_faces):
    for label, method in as_written().items():
        with torch.no_grad():
            output = build(method).eval()(make_faces(2))
        for what, tensor in {"logits": output.logits, **output.extras}.items():
            assert tensor.isfinite().all(), f"{label}: {what} is not finite; change its hyper-parameters or the method"
        if "importance" in output.extras:
            sums = output.extras["importance"].sum(1)
            assert torch.allclose(sums, torch.ones(2)), f"{label}: importance sums to {sums}; it is 1 a face"
