"""Names of classes, their order, and other programs' names for them and for the columns of results."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

import pandas as pd

from reports.formats import names
from reports.schema import PROBABILITY, Column, ReportError, predictions_of, probabilities

#: Other names of columns, in small letters; none that could as well be something else, as ``f1`` or ``time`` could.
_COLUMNS: Mapping[str, Sequence[str]] = {
    "method": ("model", "classifier", "algorithm", "approach"),
    "fold": ("split", "cv_fold", "fold_id", "fold_index", "fold_number"),
    "repeat": ("repetition", "rep"),
    "n_train": ("train_size", "num_train", "ntrain", "training_size", "n_training"),
    "n_test": ("test_size", "num_test", "ntest", "n_testing"),
    "accuracy": ("acc", "test_accuracy", "test_acc"),
    "macro_f1": ("f1_macro", "macrof1", "macro_f1_score"),
    "parameters": ("params", "n_params", "num_params", "n_parameters"),
    "scan": ("sample", "image", "file", "filename", "scan_id", "sample_id", "image_id"),
    "subject": ("subject_id", "person", "person_id", "participant", "participant_id", "identity"),
    "expression": ("label", "true", "truth", "y_true", "true_label", "ground_truth", "target", "emotion", "actual"),
    "predicted": ("prediction", "pred", "y_pred", "predicted_label", "pred_label", "predicted_expression"),
}
_CANONICAL = {other: name for name, others in _COLUMNS.items() for other in others}

#: Expressions in their order, with other words for them in small letters; codes of two letters are BU-3DFE's.
_WORDS: Mapping[str, Sequence[str]] = {
    "anger": ("angry", "an"),
    "disgust": ("disgusted", "di"),
    "fear": ("fearful", "afraid", "scared", "fe"),
    "happiness": ("happy", "joy", "ha"),
    "sadness": ("sad", "sa"),
    "surprise": ("surprised", "su"),
    "contempt": ("contemptuous",),
    "neutral": ("ne",),
}
_EXPRESSION = {word: name for name, others in _WORDS.items() for word in (name, *others)}
#: From 0 to 1: a word this much like a known one is taken for a typing error, as preparing a dataset does.
_NEARLY = 0.75
_PROBABILITY = re.compile(r"(?:p|prob|proba|probability)[_(]*([a-z]+)\)?")


def classes_of(predictions: pd.DataFrame) -> tuple[str, ...]:
    """The classes of predictions, `in_order`: those that have a probability, or where none has those that are named."""
    found = {name.removeprefix(PROBABILITY) for name in probabilities(predictions)}
    return in_order(found or named_in(predictions))


def check_classes(file: str, predictions: pd.DataFrame) -> None:
    """Refuses words that are probably typing errors where no columns of probabilities say what the classes are.

    Such are a predicted class that no scan has and no other program either, and one that is nearly a known expression.

    Raises:
        ReportError: names the word and the classes that are allowed.
    """
    if probabilities(predictions):
        return
    has = {str(word) for word in predictions["expression"].dropna().unique()}
    unknown = [word for word in in_order(named_in(predictions)) if word not in _WORDS]
    near = {word: get_close_matches(word.casefold(), _EXPRESSION, n=1, cutoff=_NEARLY) for word in unknown}
    for word in unknown:
        column = "expression" if word in has else "predicted"
        if column == "expression" and not near[word]:
            continue
        allowed = names(in_order({one for one in has if not near.get(one)}.union(_WORDS)))
        meant = f"; did you mean {_EXPRESSION[near[word][0]]}?" if near[word] else ""
        raise ReportError(f"{file}: column {column!r} is {word!r}, allowed are {allowed}{meant}")


def named_in(predictions: pd.DataFrame, *, known: bool = False) -> set[str]:
    """The classes that a scan has or is given; if `known`, those that programs have other names for."""
    columns = [predictions[name] for name in ("expression", "predicted") if [*predictions].count(name) == 1]
    return {str(word) for of in columns for word in of.dropna().unique() if not known or word in _WORDS}


def in_order(classes: Iterable[str]) -> tuple[str, ...]:
    """Classes in the order of all tables and pictures: known expressions in theirs, then others by name."""
    found = set(classes)
    return *(name for name in _WORDS if name in found), *sorted(found.difference(_WORDS))


def expression(word: str) -> str:
    """The class that a word stands for: ``happiness`` for ``Happy``, itself where no other name for it is known."""
    return _EXPRESSION.get(word.strip().casefold(), word)


def with_probabilities(columns: Mapping[str, Column], words: Iterable[str]) -> Mapping[str, Column]:
    """`columns`, and where classes are among them the probabilities of these and of all known ones."""
    if "expression" not in columns:
        return columns
    own = {expression(word) for word in words if not is_number(word)}
    return {**predictions_of([*_WORDS, *sorted(own.difference(_WORDS))]), **columns}


def is_number(word: str) -> bool:
    """Whether a class is given as a number."""
    return re.fullmatch(r"\d+(\.0*)?", word.strip(), re.ASCII) is not None


def canonical(name: str) -> str:
    """Name of a column here: itself in small letters if no other name for it is known."""
    plain = re.sub(r"[\s.\-]+", "_", name.strip().casefold())
    if (match := _PROBABILITY.fullmatch(plain)) and (of := _EXPRESSION.get(match[1])):
        return f"{PROBABILITY}{of}"
    return _CANONICAL.get(plain, plain)


def recognised(names: Sequence[str], columns: Mapping[str, Column]) -> dict[int, str]:
    """Places of a file's columns that are some of `columns`: those called so, else those of another name for it.

    Raises:
        ReportError: two columns have one name, or other names of one.
    """
    found = {place: name for place, name in enumerate(names) if name in columns}
    for name in found.values():
        if names.count(name) > 1:
            raise ReportError(f"column {name!r} is there {names.count(name)} times, allowed is once")
    guessed: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if place not in found and (of := canonical(name)) in columns and of not in found.values():
            guessed.setdefault(of, []).append(place)
    for of, places in guessed.items():
        if len(places) > 1:
            several = " and ".join(repr(names[place]) for place in places)
            raise ReportError(f"columns {several} may each be {of!r}, allowed is one, or one that is called {of!r}")
        found[places[0]] = of
    return dict(sorted(found.items()))
