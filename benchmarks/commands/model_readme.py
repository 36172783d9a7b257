"""The README.md of a trained model's folder: what it is, how it was trained, how accurate, and where its limits are."""

from collections.abc import Mapping
from math import nan
from typing import Any

from afnetm.data.dataset_files import is_generated
from afnetm.data.maps import WINDOW_MM
from afnetm.method import Method
from afnetm.trained.folders import Settings
from benchmarks.terminal.words import counted, duration
from reports.formats import score

_TEXT = """# {title}, trained on {dataset}

{summary}. Facial expression recognition from a face's texture and depth, trained by
afnetm {afnetm} on all {scans} of {subjects} of the suite `{suite}`.

| | |
|:--|:--|
| method | `{method}`, version {version}: {source} |
| expressions | {classes} |
| input | {inputs}: maps of {size} x {size} px, {window:g} mm wide, rendering {rendering}; poses by {pose} landmarks |
| masks and landmarks | {masks} |
| encoder | {encoder} |
| training | {epochs} epochs in {seconds} on {device}; torch {torch}, commit {commit}; seed {seed} |
| hyper-parameters | {hyperparameters} |

## Accuracy

{accuracy}

## Use

    afnetm predict THIS-FOLDER face.obj
    afnetm model export THIS-FOLDER model.onnx

```python
import afnetm

model = afnetm.load_model("THIS-FOLDER")
model.predict(afnetm.open_dataset("DATASET"))  # probabilities, a row per scan
```

`model.json` holds the settings, `weights.safetensors` the weights; neither contains code.

## Limits

- {limits}
- It names one of {count} expressions for any face; it cannot answer that a face shows none of them.
- Probabilities are those of the training data's mix of expressions, and are not calibrated for other data.
- An expression that a model names is not the emotion that a person feels. Do not decide about people by it.

## Licence

{licence}
"""
_MASKS = {
    "mean": "the mean regions of the training scans, in the weights",
    "detected": "from landmarks that are detected in each scan ({detector})",
    "annotated": "from landmarks that come with each scan",
    "other_expression": "from another scan of the same subject",
}


def readme(settings: Settings, about: Mapping[str, Any], method: Method) -> str:
    """The text, Markdown."""
    dataset, measured = about["dataset"], about["measured"]
    source = dataset["source"]
    synthetic = is_generated(source) or bool(source.get("synthetic"))
    masks = _MASKS.get(method.masks, f"`{method.masks}`: the same for every scan, in the weights")
    encoder, training = settings.encoder, settings.training
    return _TEXT.format(
        title=about["title"],
        dataset=dataset["name"],
        summary=method.summary[:1].upper() + method.summary[1:].rstrip("."),
        afnetm=about["versions"].get("afnetm", ""),
        scans=counted(dataset["scans"], "scan"),
        subjects=counted(dataset["subjects"], "subject"),
        suite=about["suite"],
        method=settings.method,
        version=settings.version,
        source=method.source,
        classes=", ".join(settings.classes),
        count=len(settings.classes),
        inputs=", ".join(method.inputs),
        size=settings.maps["size"],
        window=WINDOW_MM,
        rendering=settings.maps["rendering"],
        pose=settings.maps["pose"],
        masks=masks.format(detector=dataset["detector"] or "detector") if method.uses_masks else "none are read",
        encoder=f"{encoder['name']}, width {encoder['width']:g}"
        + (", begun with pretrained weights" if any(about["encoder_weights"].values()) else ""),
        epochs=training["epochs"],
        seconds=duration(about["seconds"]),
        device=about["device_name"] if about["device"] == "cuda" else about["hardware"],
        torch=about["versions"].get("torch", ""),
        commit=about["commit"],
        seed=about["seed"],
        hyperparameters=", ".join(f"{name} {value}" for name, value in settings.hyperparameters.items()),
        accuracy=_accuracy(measured, about["suite"]),
        limits="It was trained on synthetic subjects alone, and nothing is known of how it answers for real faces."
        if synthetic
        else f"It knows faces, sensors and poses as `{dataset['name']}` has them; others are guesses.",
        licence=_licence(dataset, synthetic),
    )


def accuracy(measured: Mapping[str, Any]) -> str:
    """Measured accuracy with its interval: ``71.3 % (66.0 to 76.1)``."""
    low, high = (nan if measured[end] is None else measured[end] for end in ("low", "high"))
    return score(measured["accuracy"], low, high)


def _accuracy(measured: Mapping[str, Any] | None, suite: str) -> str:
    if measured is None:
        return (
            f"None was measured with these settings: the suite `{suite}` has no finished run of it where this was made."
        )
    runs = counted(measured["runs"], "run")
    part = "" if measured["runs"] == measured["planned"] else f" of {measured['planned']} planned"
    return (
        f"{accuracy(measured)} (95 % interval over subjects and training runs) in the suite "
        f"`{measured['suite']}`: {runs}{part} on {counted(measured['subjects'], 'subject')}, each tested by networks "
        "that were trained without that subject. This model was trained on all of them, and so has no test of its own."
    )


def _licence(dataset: Mapping[str, Any], synthetic: bool) -> str:
    if synthetic:
        return "The training data are synthetic subjects: no scan of a person went into this model."
    kind = dataset["source"].get("kind", "unknown")
    shown = "is marked as shareable" if dataset["shareable"] else "is not marked as shareable"
    return (
        f"**Trained on scans of people**: dataset `{dataset['name']}`, source `{kind}`, which {shown}. Weights are "
        "derived from these scans, and may allow conclusions about them. Whether they may be passed on is for the "
        "licence of the dataset to say, not for that of afnetm: ask its provider first."
    )
