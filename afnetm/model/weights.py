"""Encoder weights from a file, read as timm reads them: renamed, resampled, and refused where they do not fit."""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import timm
import torch
from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open
from timm.models import _builder
from torch import Tensor, nn

from afnetm.errors import UserError, nearest

#: The file of a repository of timm's on the hub.
_FILE = "model.safetensors"


#: The weights that timm publishes, by the name that stands for a file.
PUBLISHED = "timm"


def weights_path(source: str, name: str) -> Path:
    """The file of encoder weights: `source` itself, or what timm publishes for the encoder `name` (`PUBLISHED`)."""
    return published_file(name) if source == PUBLISHED else Path(source)


@cache
def published_file(name: str) -> Path:
    """The weights that timm publishes for its encoder `name`, downloaded into the Hugging Face cache where they lack.

    The network is reached for this alone, and only where a suite says ``weights = "timm"``. Where it is, the endpoint
    and the cache are those of the environment (``HF_ENDPOINT``, ``HF_HOME``).

    Raises:
        UserError: nothing is published as safetensors, or it is neither in the cache nor can be downloaded.
    """
    config = timm.get_pretrained_cfg(name)
    repository = config.hf_hub_id if config is not None else None
    if not repository:
        raise UserError(f"encoder weights 'timm': timm publishes none for '{name}' on the hub; give a file")
    cached = try_to_load_from_cache(repository, _FILE)
    if isinstance(cached, str):
        return Path(cached)
    try:
        return Path(hf_hub_download(repository, _FILE))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError):
        raise UserError(
            f"encoder weights 'timm': {repository} is not in the cache and cannot be downloaded from {ENDPOINT}; "
            "connect once, or give a file: weights = 'FILE.safetensors'"
        ) from None


def weights_file(path: Path, name: str, in_channels: int, options: Mapping[str, Any]) -> str:
    """The path of weights that are complete and fit timm's network `name`: timm would pass over what lacks.

    Args:
        path: a ``.safetensors`` file with a state dict of that network, in today's names or in those of the published
            checkpoints that timm itself renames.
        name: of the network.
        in_channels: of the pictures that it is to read.
        options: with which it is built.

    Raises:
        UserError: the file is no safetensors file by content and name, lacks a tensor, has one of another shape, or
            one that is not finite; names the first.
    """
    try:
        stamp = path.stat()
        with safe_open(path, framework="np"):
            pass
    except (OSError, SafetensorError) as error:
        raise UserError(f"encoder weights '{path}' are not a readable safetensors file: {error}") from error
    if path.suffix != ".safetensors":  # timm picks its reader by the name, and its other reader unpickles
        raise UserError(f"encoder weights '{path}' must be named *.safetensors")
    _check(path, name, in_channels, tuple(options.items()), stamp=(stamp.st_mtime_ns, stamp.st_size))
    return str(path)


@lru_cache
def _check(path: Path, name: str, in_channels: int, options: tuple[Any, ...], *, stamp: tuple[int, int]) -> None:
    """Once a process for each file, as every stream of every method is given the same; `stamp` is its time and size."""
    needed, found = _loaded(path, name, in_channels, dict(options))
    said = f"encoder weights '{path}'"
    if lacking := sorted(needed.keys() - found.keys()):
        near = nearest(lacking[0], found.keys() - needed.keys(), alike=0.8)
        hint = f" (the file has {near[0]})" if near else ""
        raise UserError(f"{said} are not of '{name}': {len(lacking)} lack, first {lacking[0]}{hint}")
    other = [key for key, tensor in needed.items() if found[key].shape != tensor.shape]
    if other:
        has, wants = (" x ".join(map(str, tensors[other[0]].shape)) or "one number" for tensors in (found, needed))
        raise UserError(
            f"{said} are of another shape than '{name}' has: {other[0]} is {has} in the file and {wants} in the "
            f"network; {len(other)} of {len(needed)} tensors differ"
        )
    spoilt = [key for key in needed if not found[key].isfinite().all()]
    if spoilt:
        raise UserError(f"{said} are not finite: {spoilt[0]} holds NaN or infinity")


def _loaded(
    path: Path, name: str, in_channels: int, options: dict[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The network's state without its classifier, on no device, and what timm would load into it from the file."""
    found: dict[str, Tensor] = {}
    load_pretrained = _builder.load_pretrained

    def watched(model: nn.Module, **given: Any) -> None:
        def load_state_dict(state: Mapping[str, Tensor], **_: Any) -> Any:
            found.update(state)
            return torch.nn.modules.module._IncompatibleKeys([], [])

        with torch.device("cpu"), patch.object(model, "load_state_dict", load_state_dict):
            load_pretrained(model, **given)

    weights = {"pretrained": True, "pretrained_cfg_overlay": {"file": str(path)}}
    # There is no public way to what timm makes of a file: which function renames its keys is each network's own.
    with torch.device("meta"), patch.object(_builder, "load_pretrained", watched):
        network = timm.create_model(name, in_chans=in_channels, num_classes=0, **weights, **options)
    return network.state_dict(), found
