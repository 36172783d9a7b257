"""Models as `afnetm train` writes them, with their first weights: for tests of what is done with a model."""

from dataclasses import asdict
from pathlib import Path

from afnetm.data.making import Making
from afnetm.data.maps import RENDERING_VERSION
from afnetm.data.scan import EXPRESSIONS
from afnetm.method import Method, built
from afnetm.model.encoder import EncoderSpec
from afnetm.trained.folders import Settings
from afnetm.trained.saving import save_model
from afnetm.training.config import TrainingConfig


def write_untrained(folder: Path, method: Method, *, size: int, rendering: int = RENDERING_VERSION) -> Path:
    """A model of `method` for maps of `size` pixels of a rendering version, in the new folder that it returns."""
    spec = EncoderSpec(width=0.125, size=size)
    settings = Settings(
        method=method.name,
        version=method.version,
        hyperparameters=asdict(method),
        encoder={name: value for name, value in asdict(spec).items() if name != "size"},
        training=asdict(TrainingConfig()),
        classes=EXPRESSIONS,
        maps={**vars(Making(size=size)), "rendering": rendering},
    )
    module = built(method, spec, len(EXPRESSIONS))
    save_model(folder, module, settings, {"title": method.title or method.name}, readme="")
    return folder
