"""The list of methods: at once, whatever their import takes, and what they cost where that is asked for."""

import json
import os
import re
from pathlib import Path

import pytest
import torch

from afnetm.model.cost import flop_count, parameter_count
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import methods
from afnetm.strict import parse
from tests.benchmarks.conftest import Afnetm
from tests.benchmarks.moody import moody


def test_methods_are_listed_without_torch_as_their_classes_have_them(tmp_path: Path, afnetm: Afnetm) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('not here')")
    listed = afnetm(tmp_path, "methods", PYTHONPATH=f"{tmp_path}{os.pathsep}{Path.cwd()}", COLUMNS="1000").stdout
    for name, kind in methods().items():
        assert re.search(rf"^ *{name} +{kind.version} +{re.escape(kind.summary)} *$", listed, re.MULTILINE)
        assert kind.source in listed


def test_as_json_methods_have_all_that_their_classes_declare(tmp_path: Path, here: Afnetm) -> None:
    listed = {one["name"]: one for one in json.loads(here(tmp_path, "methods", "--json").stdout)}
    assert list(listed) == sorted(methods())
    assert len(listed) >= 35  # what the suite `fusion` and the documentation promise to compare
    for name, kind in methods().items():
        one = listed[name]
        for declared in ("title", "version", "summary", "source", "staged", "probabilities", "reading"):
            assert one[declared] == getattr(kind, declared)
        assert one["source"].strip()
        assert one["fault"] is None
        assert one["inputs"] == list(kind().inputs) != []
        assert one["reads_in_training"] == list(kind.reads_in_training)
        assert {n for n, about in one["hyperparameters"].items() if about["searched"]} == kind.space.keys()
        for parameter, about in one["hyperparameters"].items():
            assert parse(kind, {parameter: about["default"]}) == kind()
    dropout = listed["concat"]["hyperparameters"]["dropout"]["searched"]
    assert (dropout["low"], dropout["high"], dropout["log"]) == (
        methods()["concat"].space["dropout"].low,
        methods()["concat"].space["dropout"].high,
        False,
    )


def test_what_a_file_does_not_say_in_plain_words_is_asked_of_the_class_and_a_fault_is_told(
    tmp_path: Path, afnetm: Afnetm
) -> None:
    path = moody(tmp_path, "pass")  # it inherits its version, summary and source
    listed = json.loads(afnetm(tmp_path, "methods", "--json", PYTHONPATH=path).stdout)
    (one,) = (one for one in listed if one["name"] == "moody")
    assert (one["version"], one["summary"], one["fault"]) == (1, "texture alone", None)
    (tmp_path / "plugin" / "moody.py").write_text("import nonsense\n")
    listed = json.loads(afnetm(tmp_path, "methods", "--json", PYTHONPATH=path).stdout)
    (one,) = (one for one in listed if one["name"] == "moody")
    assert "moody.py" in one["fault"]
    assert "nonsense" in one["fault"]
    assert len(listed) == len(methods()) + 1


@pytest.mark.parametrize("name", ["texture", "afnetm", "mbt", "mmtm", "lmf"])
def test_what_is_counted_without_computing_is_what_computing_counts(name: str) -> None:
    method, encoder = methods()[name](), EncoderSpec(width=0.25)
    with torch.device("meta"):
        nothing = method.build(encoder, 6)
    real = method.build(encoder, 6)
    assert parameter_count(nothing) == parameter_count(real)
    assert flop_count(nothing, size=64) == flop_count(real, size=64)


def test_costs_are_listed_where_they_are_asked_for(tmp_path: Path, here: Afnetm) -> None:
    listed = json.loads(here(tmp_path, "methods", "--costs", "--json").stdout)
    costs = {one["name"]: one["parameters"] for one in listed}
    # A resnet18 without its classifier has 11,176,512 parameters, and the linear layer to six classes 3,078.
    assert costs["texture"] == 11_176_512 + 3_078
    assert costs["depth"] == costs["texture"] + 64 * 49  # one more input channel: depth and three of normals
    assert costs["late"] == costs["texture"] + costs["depth"]
    assert costs["svm"] == costs["late"]  # its weights are no parameters: they are fitted, not learnt
    assert costs["afnetm"] < 0.7 * costs["concat"]
    flops = {one["name"]: one["flops"] for one in listed}
    assert flops["svm"] >= flops["late"] > 2 * 3.6e9
