"""Archives whose members no record, manifest or table could be: refused by name, and the home is as it was."""

import io
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save

from benchmarks.records.home import Home
from tests.benchmarks.archive.examples import packed
from tests.benchmarks.archive.spoiling import (
    AUXILIARY,
    CURVES,
    GRADCAM,
    PREDICTIONS,
    RESULT,
    WEIGHTS,
    Content,
    refusal,
)


def with_json(name: str, change: Callable[[Any], Any]) -> Callable[[Content], Content]:
    def spoil(content: Content) -> Content:
        wording = json.loads(content[name])
        changed = change(wording)
        return {name: json.dumps(wording if changed is None else changed).encode()}

    return spoil


def setting(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(wording: Any) -> None:
        for step in path[:-1]:
            wording = wording[step]
        wording[path[-1]] = to

    return change


def with_table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Content], Content]:
    return lambda content: {
        PREDICTIONS: change(pd.read_csv(io.BytesIO(content[PREDICTIONS]))).to_csv(index=False).encode()
    }


def with_arrays(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Content], Content]:
    return lambda content: {name: save(change(load(content[name])))}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"x": inner}
    return inner


class Evil:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("code of an archive was run",))


SPOILT: dict[str, tuple[Callable[[Content], Content], str]] = {
    "a result that is no JSON": (lambda content: {RESULT: b"\xff"}, "result.json: not JSON"),
    "NaN": (with_json(RESULT, setting("accuracy", to=float("nan"))), "NaN is not a number"),
    "infinity by digits": (lambda c: {RESULT: c[RESULT].replace(b"2.5", b"1e999")}, "seconds is not a finite number"),
    "very many digits": (lambda c: {RESULT: c[RESULT].replace(b"2.5", b"9" * 5000)}, "result.json: not JSON"),
    "more than 64 bits": (with_json(RESULT, setting("flops", to=2**64)), "flops is an integer of more than 64 bits"),
    "very deep": (with_json(RESULT, setting("x", to=nested(900))), "deeper than 32 levels"),
    "deeper still": (lambda c: {RESULT: b"[" * 100_000}, "result.json: not JSON"),
    "a key twice": (lambda c: {RESULT: c[RESULT].replace(b'"seed"', b'"repeat"')}, "key 'repeat' is there twice"),
    "an escape for terminals": (with_json(RESULT, setting("hardware", to="\x1b[2J")), r"has the character '\\x1b'"),
    "half a pair": (with_json(RESULT, setting("hardware", to="\ud800")), "which cannot be printed"),
    "a line too many": (with_json(RESULT, setting("commit", to="a\nb")), "commit = .* printable text on one line"),
    "a list": (with_json(RESULT, lambda wording: [wording]), "result.json: all of it should be an object"),
    "an accuracy above 1": (
        with_json(RESULT, setting("accuracy", to=1.5)),
        "accuracy = 1.5: .*less than or equal to 1",
    ),
    "text for a number": (with_json(RESULT, setting("seed", to="1")), 'seed = "1": '),
    "nothing": (with_json(RESULT, lambda wording: {}), "dataset is missing"),
    "another key": (with_json(RESULT, setting("key", to="0" * 20)), "key is 0{20}, allowed is its folder's name"),
    "another setting": (with_json(RESULT, setting("training", "epochs", to=9)), "the hash of what decides it is"),
    "an inner fold": (with_json(RESULT, setting("inner", to={"fold": 0})), "inner = "),
    "too many scans": (with_json(RESULT, setting("n_test", to=1_000_000)), "12 rows, the result says n_test = 1000000"),
    "another accuracy": (with_json(RESULT, setting("accuracy", to=0.99)), "accuracy = 0.99, its predictions give 0"),
    "pseudonyms that are none": (with_json(RESULT, setting("pseudonyms", to="0" * 16)), "allowed are pseudonyms"),
    "curves of bytes": (lambda c: {CURVES: bytes(range(256))}, "curves.csv: "),
    "empty curves": (lambda c: {CURVES: b""}, "curves.csv: not CSV"),
    "other curves": (lambda c: {CURVES: b"epoch,loss\n0,1\n"}, "column 'accuracy' is missing"),
    "an epoch twice": (lambda c: {CURVES: c[CURVES] + c[CURVES].splitlines()[1]}, "is there more than once"),
    "a formula": (lambda c: {CURVES: c[CURVES].replace(b"0.1\n", b"=cmd()\n")}, "column 'learning_rate' has type"),
    "longer rows": (lambda c: {CURVES: c[CURVES].replace(b"\n0", b"\n0,0")}, "curves.csv: "),
    "an odd column": (
        lambda c: {CURVES: c[CURVES].replace(b"epoch", b"epoch,=x").replace(b"\n", b",1\n")},
        "curves.csv",
    ),
    "very many columns": (lambda c: {CURVES: b"," * 10_000 + c[CURVES]}, "10003 columns .allowed: up to 1000."),
    "a column twice": (lambda c: {CURVES: c[CURVES].replace(b"loss,accuracy", b"loss,loss")}, "'loss.1'"),
    "a pickle for a table": (lambda c: {PREDICTIONS: pickle.dumps(Evil())}, "predictions.csv: not CSV"),
    "parquet for CSV": (lambda c: {PREDICTIONS: b"PAR1" + bytes(100) + b"PAR1"}, "predictions.csv: "),
    "a torn table": (lambda c: {PREDICTIONS: c[PREDICTIONS].rsplit(b",", 2)[0]}, "predictions.csv: column 'p_"),
    "rows that are missing": (with_table(lambda t: t.iloc[1:]), "11 rows, the result says n_test = 12"),
    "no rows": (with_table(lambda t: t.iloc[:0]), "0 rows, the result says n_test = 12"),
    "a column that is missing": (with_table(lambda t: t.drop(columns="p_fear")), "column 'p_fear' is missing"),
    "a column of text": (with_table(lambda t: t.assign(more="/home/x")), "column 'more' has type"),
    "a column with an odd name": (with_table(lambda t: t.assign(**{"=x": 1})), "column '=x': not a name"),
    "a share above 1": (with_table(lambda t: t.assign(p_fear=2.0)), "column 'p_fear' is 2.0 in row 0"),
    "no share": (with_table(lambda t: t.assign(p_fear=np.nan)), "column 'p_fear' is empty"),
    "another expression": (with_table(lambda t: t.assign(predicted="bored")), "column 'predicted' is 'bored'"),
    "a scan twice": (with_table(lambda t: t.assign(scan="a")), "is there more than once"),
    "an escape in a name": (with_table(lambda t: t.assign(subject="\x1b[2J")), r"column 'subject' is '\\x1b\[2J'"),
    "a name on two lines": (with_table(lambda t: t.assign(subject="a\nb")), r"column 'subject' is 'a\\nb'"),
    "a very long name": (with_table(lambda t: t.assign(subject="x" * 10_000)), "10000 characters, allowed: 1000"),
    "half an intensity": (with_table(lambda t: t.assign(intensity=0.5)), "column 'intensity' has type float64"),
    "a very large intensity": (with_table(lambda t: t.assign(intensity=2**64 - 1)), "column 'intensity'"),
    "a pickle for arrays": (
        lambda c: {AUXILIARY: pickle.dumps(Evil())},
        "auxiliary_outputs.safetensors: not safetensors",
    ),
    "torn arrays": (lambda c: {AUXILIARY: c[AUXILIARY][:-1]}, "auxiliary_outputs.safetensors: not safetensors"),
    "a header of terabytes": (
        lambda c: {AUXILIARY: b"\xff" * 8 + c[AUXILIARY][8:]},
        "auxiliary_outputs.safetensors: not safetensors",
    ),
    "no arrays": (with_arrays(AUXILIARY, lambda a: {}), "auxiliary_outputs.safetensors: 0 arrays"),
    "auxiliary_outputs of other scans": (
        with_arrays(AUXILIARY, lambda a: {"importance": a["importance"][1:]}),
        r"shape \(11, 2\)",
    ),
    "three modalities": (
        with_arrays(AUXILIARY, lambda a: {"importance": a["importance"][:, :1]}),
        r"shape \(12, 1\), allowed is \(12, 2\)",
    ),
    "auxiliary_outputs that are not finite": (
        with_arrays(AUXILIARY, lambda a: {"importance": a["importance"] * np.nan}),
        "finite",
    ),
    "auxiliary_outputs above 1": (
        with_arrays(AUXILIARY, lambda a: {"importance": a["importance"] + 1}),
        "allowed is 0 to 1",
    ),
    "auxiliary_outputs of doubles": (
        with_arrays(AUXILIARY, lambda a: {"importance": np.ones((12, 2))}),
        "finite float32",
    ),
    "an array with an odd name": (with_arrays(AUXILIARY, lambda a: {"a\nb": a["importance"]}), "allowed is printable"),
    "rows that are not there": (with_arrays(GRADCAM, lambda a: a | {"rows": a["rows"] + 9}), "rows are not some of"),
    "rows below 0": (with_arrays(GRADCAM, lambda a: a | {"rows": a["rows"] - 1}), "rows are not some of"),
    "a row twice": (with_arrays(GRADCAM, lambda a: a | {"rows": a["rows"] * 0}), "rows are not some of"),
    "no rows of maps": (with_arrays(GRADCAM, lambda a: {"texture": a["texture"]}), "rows are not some of"),
    "flat maps": (with_arrays(GRADCAM, lambda a: a | {"texture": a["texture"][:, 0]}), r"shape \(3, 2\)"),
    "weights that are not finite": (with_arrays(WEIGHTS, lambda a: {"w": a["head.weight"] * np.inf}), "not finite"),
    "a secret": (with_json("manifest.json", setting("secret", to="mine")), "key 'secret' is not one"),
    "a manifest of another version": (with_json("manifest.json", setting("more", to=1)), "key 'more' is not one"),
    "an odd entry": (with_json("manifest.json", setting("runs", 0, "more", to=1)), "key 'more' is not one"),
    "a path for a key": (with_json("manifest.json", setting("runs", 0, "key", to="../../x")), "runs.0.key = "),
    "a path for a dataset": (with_json("manifest.json", setting("dataset", "name", to="../x")), "dataset.name = "),
    "a path for a suite": (with_json("manifest.json", setting("suite", to="../x")), "suite = .*should be letters"),
    "another suite": (
        with_json("manifest.json", setting("suite", to="x")),
        "suite = 'x', its contents.json says .*'people'",
    ),
    "an unknown method": (with_json("manifest.json", setting("runs", 0, "method", to="x")), "a run of method 'x'"),
    "a run that is not the suite's": (with_json("manifest.json", setting("runs", to=[])), "has no run of this key"),
    "another fold": (with_json("manifest.json", setting("runs", 0, "fold", to=2)), "fold = 0, the manifest says 2"),
    "another dataset": (with_json("manifest.json", setting("dataset", "fingerprint", to="d" * 64)), "dataset = "),
    "another version": (with_json("manifest.json", setting("methods", "concat", "version", to=2)), "version = 1, the"),
    "a control that is not there": (with_json("manifest.json", setting("control", to="x")), "control: 'x' is not in"),
    "a study of something else": (
        with_json("manifest.json", setting("tuning", "studies", 0, "method", to="x")),
        "allowed: concat, late",
    ),
    "an odd tuning": (
        with_json("manifest.json", setting("tuning", to={"spec": {}})),
        "tuning.spec.selection is missing",
    ),
    "failures of others": (lambda c: {"failures.json": b'{"' + b"0" * 20 + b'": "x"}'}, "the manifest has no run 0000"),
    "failures on two lines": (
        with_json("failures.json", lambda wording: dict.fromkeys(wording, "a\nb")),
        "failures.json: .*one line",
    ),
    "best trials that are no TOML": (
        lambda c: {"best-parameters.toml": b"= 1"},
        "best-parameters.toml: not valid TOML",
    ),
    "best trials of bytes": (lambda c: {"best-parameters.toml": b"\xff"}, "best-parameters.toml: not valid TOML"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_content_that_no_record_has_is_refused_by_name(how: str, content: Content, home: Home, tmp_path: Path) -> None:
    spoil, wording = SPOILT[how]
    path = packed(content | spoil(content), tmp_path / "out.zip")
    message = refusal(path, home)
    assert re.search(wording, message), message
