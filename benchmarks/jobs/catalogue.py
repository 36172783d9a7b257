"""The catalogue: every registered method with what it costs at one common size."""

from typing import Any

from afnetm.data.scan import EXPRESSIONS
from afnetm.model.cost import flop_count, parameter_count
from afnetm.model.encoder import EncoderSpec
from afnetm.registry import methods


def catalogue(*, encoder: EncoderSpec | None = None, size: int = 224) -> list[dict[str, Any]]:
    """Each method: name, version, parameters, flops (one face of `size` pixels), summary, source."""
    out = []
    for name, kind in methods().items():
        module = kind().build(encoder or EncoderSpec(), len(EXPRESSIONS))
        numbers = {"parameters": parameter_count(module), "flops": flop_count(module, size=size)}
        out.append({"name": name, "version": kind.version, **numbers, "summary": kind.summary, "source": kind.source})
    return out
