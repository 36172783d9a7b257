"""Saving: the folder of a trained model, written beside and renamed into place."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from afnetm.errors import UserError
from afnetm.trained.folders import (
    FORMAT_VERSION,
    SETTINGS,
    SETTINGS_SHA256,
    WEIGHTS,
    Settings,
    settings_sha256,
)
from afnetm.unwritten import why_unwritten
from afnetm.zipped import WEIGHTS_SHA256

#: For people; nothing reads it.
README = "README.md"


def check_new(directory: Path) -> None:
    """Refuses a folder for a model that exists already; it is asked before minutes are spent on the training.

    Raises:
        UserError: it does.
    """
    if os.path.lexists(directory):
        raise UserError(f"folder {directory}: exists already (allowed: a new one)")


def save_model(
    directory: Path, module: nn.Module, settings: Settings, about: Mapping[str, Any], *, readme: str
) -> None:
    """Writes what `afnetm.load_model` reads.

    Args:
        directory: a folder that does not exist yet; it appears when it is complete.
        module: the trained network.
        settings: that make it again.
        about: what else is to be known of it, as JSON has it.
        readme: its description, Markdown.

    Raises:
        UserError: `directory` exists, or cannot be written.
    """
    check_new(directory)
    state = {name: tensor.cpu().contiguous() for name, tensor in module.state_dict().items()}
    weights = save(state)
    described = {"format_version": FORMAT_VERSION, **asdict(settings), **about}
    described[WEIGHTS_SHA256] = hashlib.sha256(weights).hexdigest()
    described[SETTINGS_SHA256] = settings_sha256(described)
    files = {
        README: readme.encode(),
        WEIGHTS: weights,
        SETTINGS: json.dumps(described, indent=1, allow_nan=False, ensure_ascii=False).encode(),
    }
    path = Path(os.path.abspath(directory))  # "model/.." has no name
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        for name, content in files.items():
            (beside / name).write_bytes(content)
        check_new(path)
        beside.rename(path)
    except OSError as error:
        why = why_unwritten(error) or error.strerror or error
        raise UserError(f"folder {directory}: cannot be written: {why}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
