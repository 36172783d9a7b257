"""What other programs call the columns of results, and the six expressions."""

import re
from collections.abc import Iterable, Mapping, Sequence

from reports.schema import EXPRESSIONS, PROBABILITIES, Column, ReportError

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

#: Other words for the expressions, in small letters; codes of two letters are those of BU-3DFE's files.
_WORDS: Mapping[str, Sequence[str]] = {
    "anger": ("angry", "an"),
    "disgust": ("disgusted", "di"),
    "fear": ("fearful", "afraid", "scared", "fe"),
    "happiness": ("happy", "joy", "ha"),
    "sadness": ("sad", "sa"),
    "surprise": ("surprised", "su"),
}
_EXPRESSION = {word: name for name, others in _WORDS.items() for word in (name, *others)}
_PROBABILITY = re.compile(r"(?:p|prob|proba|probability)[_(]*([a-z]+)\)?")


def expression(word: str) -> str | None:
    """The one of `EXPRESSIONS` that a word stands for, such as ``Happy``; None where it is none of them."""
    return _EXPRESSION.get(word.strip().casefold())


def expressions(where: str, words: Iterable[str]) -> dict[str, str]:
    """The expressions by the words for them; numbers stay as they are.

    Raises:
        ReportError: a word is none of the six.
    """
    found = {word: expression(word) or word for word in words}
    for word, name in found.items():
        if name not in EXPRESSIONS and not is_number(word):
            six = ", ".join(EXPRESSIONS)
            raise ReportError(f"{where} is {word!r}; a report compares the six basic expressions alone, allowed: {six}")
    return found


def is_number(word: str) -> bool:
    """Whether a class is given as a number."""
    return re.fullmatch(r"\d+(\.0*)?", word.strip(), re.ASCII) is not None


def canonical(name: str) -> str:
    """What a column is called here: itself in small letters if no other name for it is known."""
    plain = re.sub(r"[\s.\-]+", "_", name.strip().casefold())
    if plain in PROBABILITIES:
        return plain
    if (match := _PROBABILITY.fullmatch(plain)) and (of := expression(match[1])):
        return f"p_{of}"
    return _CANONICAL.get(plain, plain)


def recognised(names: Sequence[str], columns: Mapping[str, Column]) -> dict[int, str]:
    """Which of `columns` a file's columns are, by their places: those called so, else those of another name for it.

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
