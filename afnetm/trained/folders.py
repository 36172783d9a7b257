"""Loading: the folder of a run that kept its weights, or one of ``afnetm train``, as a `TrainedModel`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field
from safetensors import SafetensorError
from safetensors.torch import load

from afnetm.blame import error_message
from afnetm.data.formats.inside import DataFolder
from afnetm.data.making import Making
from afnetm.data.rendering import SIZES
from afnetm.data.scan import CLASS_NAME
from afnetm.errors import UserError
from afnetm.method import built
from afnetm.model.encoder import EncoderPart, EncoderSpec
from afnetm.registry import find_method
from afnetm.strict import STRICT, parse
from afnetm.trained.landmark_origins import LandmarkOrigins
from afnetm.trained.model import TrainedModel
from afnetm.training.config import TrainingConfig
from afnetm.zipped import BROKEN, RUN_FILES, WEIGHTS_SHA256, Folder, run_folder

#: The files of a model's folder beside its README.md.
SETTINGS, WEIGHTS = "model.json", "weights.safetensors"
#: Of `SETTINGS`; raised whenever what it holds is read otherwise.
FORMAT_VERSION = 2
#: Of `SETTINGS`: SHA-256 of all else that it says.
SETTINGS_SHA256 = "settings_sha256"
#: Of a stored run, what `SETTINGS` is of a model.
_RESULT = "result.json"
#: Bytes of `SETTINGS`, and classes, at most.
_LARGEST, _MOST_CLASSES = 2**20, 1000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that make a network again, as JSON has them; a run's ``result.json`` holds them as well.

    Attributes:
        method: the registered name.
        version: the method's.
        hyperparameters: the method's fields.
        encoder: fields of an `EncoderSpec`; what weights it began with is in the network's own.
        training: fields of a `TrainingConfig`.
        classes: of the logits, in their order.
        maps: fields of a `Making`; ``rendering``, the version of the rendering that made them; and where it is known
            ``landmarks``, fields of `LandmarkOrigins`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    method: str
    version: int
    hyperparameters: dict[str, Any]
    encoder: dict[str, Any]
    training: dict[str, Any]
    classes: Annotated[tuple[Annotated[str, Field(pattern=f"^{CLASS_NAME.pattern}$")], ...], Field(min_length=1)]
    maps: dict[str, Any]


_NAMES = tuple(one.name for one in fields(Settings))


def load_model(directory: Path | str) -> TrainedModel:
    """The model in a folder that ``afnetm train`` wrote, or of a run of a suite with ``keep_weights = true``.

    The latter is ``HOME/runs/ab/KEY``, were it packed since. No code in the folder is run: settings are JSON, weights
    are safetensors, and the method is the registered one.

    Raises:
        UserError: there is no such folder, it is damaged or of another version, a run kept no weights, or they are not
            of the method that is registered.
    """
    folder = Path(directory)
    if (folder / SETTINGS).is_file():
        return _load_model(DataFolder(folder))
    return _load_run(run_folder(folder))


def _load_model(folder: DataFolder) -> TrainedModel:
    file = f"{folder.path / SETTINGS}"
    found = _read_json(folder.read(SETTINGS, limit=_LARGEST), file)
    version = found.get("format_version")
    if version != FORMAT_VERSION:
        raise UserError(f"{file}: format_version = {version!r}; this version of afnetm reads {FORMAT_VERSION}")
    form = {"format_version", WEIGHTS_SHA256, SETTINGS_SHA256}
    about = {name: value for name, value in found.items() if name not in form.union(_NAMES)}
    settings = parse(Settings, {name: found[name] for name in _NAMES if name in found}, file=file)
    weights = folder.read(WEIGHTS, limit=RUN_FILES[WEIGHTS])
    model = _model(settings, weights, file=file, weights_file=f"{folder.path / WEIGHTS}", about=about)
    # What says more than that something was altered is said above.
    for name, expected, altered in (
        (SETTINGS, found.get(SETTINGS_SHA256), settings_sha256(found)),
        (WEIGHTS, found.get(WEIGHTS_SHA256), hashlib.sha256(weights).hexdigest()),
    ):
        if expected != altered:
            raise _altered(folder.path / name)
    return model


def settings_sha256(described: Mapping[str, Any]) -> str:
    """SHA-256 of a model's settings and all that is said beside them, however JSON writes it."""
    covered = {name: value for name, value in described.items() if name != SETTINGS_SHA256}
    return hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()


def _load_run(folder: Folder) -> TrainedModel:
    file, weights = f"{folder / _RESULT}", folder / WEIGHTS
    try:
        found = _read_json((folder / _RESULT).read_bytes(), file)
        # By what an encoder's weights were trained with; before there was a key for it, that was where any were given.
        encoder = {"normalise": found["encoder"].get("weights") is not None, **found["encoder"]}
        encoder |= {"weights": None, "depth_weights": None}
        settings = parse(Settings, {name: found[name] for name in _NAMES} | {"encoder": encoder}, file=file)
        content = weights.read_bytes() if weights.is_file() else None
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder}: no run of a suite and no model; it has neither {_RESULT} nor {SETTINGS}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: damaged, or of another version of afnetm ({error})") from None
    except BROKEN as error:
        raise UserError(f"{folder}: damaged ({error})") from None
    if content is None:
        raise UserError(
            f"{folder}: the run kept no weights; set keep_weights = true in its suite, delete it (afnetm forget) "
            "and run it again"
        )
    model = _model(settings, content, file=file, weights_file=f"{weights}", about={})
    sha256 = hashlib.sha256(content).hexdigest()
    if found.get(WEIGHTS_SHA256, sha256) != sha256:
        raise _altered(weights)
    return model


def _altered(file: Folder) -> UserError:
    return UserError(f"{file}: damaged, or altered since it was written (SHA-256)")


def _model(
    settings: Settings, weights: bytes, *, file: str, weights_file: str, about: Mapping[str, Any]
) -> TrainedModel:
    """The model of these settings and weights; the latter take the place of any that its encoder would begin with."""
    kind = find_method(settings.method)
    if settings.version != kind.version:
        raise UserError(f"{file}: of version {settings.version} of '{kind.name}'; version {kind.version} is registered")
    maps = dict(settings.maps)
    rendering, origins = maps.pop("rendering", None), maps.pop("landmarks", None)
    landmarks = None if origins is None else parse(LandmarkOrigins, origins, table="maps.landmarks", file=file)
    making: Making = parse(Making, maps, table="maps", file=file)
    if type(rendering) is not int or making.size not in SIZES or len(settings.classes) > _MOST_CLASSES:
        raise UserError(
            f"{file}: maps of {making.size} px by rendering {rendering!r}, {len(settings.classes)} classes (allowed: "
            f"{SIZES.start} to {SIZES.stop - 1} px, a number, up to {_MOST_CLASSES})"
        )
    own = {"weights": None, "depth_weights": None, "size": making.size}
    encoder: EncoderSpec = parse(EncoderSpec, {**settings.encoder, **own}, table="encoder", file=file)
    config: TrainingConfig = parse(TrainingConfig, settings.training, table="training", file=file)
    method = parse(kind, settings.hyperparameters, table=kind.name, file=file)
    try:
        module = built(method, encoder, len(settings.classes))
    except (RuntimeError, MemoryError, ValueError, TypeError) as error:  # of sizes that no memory has, say
        raise UserError(f"{file}: '{kind.name}' cannot be built so: {error_message(error, kind.__module__)}") from None
    try:
        module.load_state_dict(load(weights))
    except (SafetensorError, *BROKEN) as error:
        words = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{weights_file}: not the weights of '{kind.name}' ({words})") from None
    for part in module.modules():
        if isinstance(part, EncoderPart):
            part.pretrained = True  # by that training, where it is trained further
    return TrainedModel(module.eval(), settings.classes, making, rendering, config, about, landmarks)


def _read_json(content: bytes, file: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: damaged, or of another version of afnetm ({error})") from None
    if not isinstance(found, dict):
        raise UserError(f"{file}: {type(found).__name__}, not an object, or of another version of afnetm")
    return found
