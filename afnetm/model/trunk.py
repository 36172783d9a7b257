"""Trunk: the one stream that goes on from where two are fused."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from afnetm.errors import UserError
from afnetm.model.encoder import Encoder, EncoderSpec

#: Stages of an encoder, from 1 to 4.
Stages = tuple[Annotated[int, Field(ge=1, le=4)], ...]


class Trunk(nn.Module):
    """An encoder's stages behind the first at which two streams are fused; each further fused map is added to its own.

    Args:
        encoder: the suite's.
        stages: at which the streams are fused, ascending.

    Attributes:
        fused_channels: of the map at each of these stages.
        channels: of the last map.
    """

    def __init__(self, encoder: EncoderSpec, stages: Sequence[int]) -> None:
        super().__init__()
        whole = Encoder(encoder, 3)
        self.fused_at = tuple(stages)
        self.fused_channels = [whole.channels[stage - 1] for stage in stages]
        self.channels = whole.channels[-1]
        self.stages = whole.stages[stages[0] :]

    def forward(self, fused: Sequence[Tensor]) -> Tensor:
        """The fused maps, one a stage, to the last map ``(B, channels, H, W)``."""
        further = dict(zip(self.fused_at, fused, strict=True))
        x = further.pop(self.fused_at[0])
        for stage, block in enumerate(self.stages, start=self.fused_at[0] + 1):
            x = block(x)
            if stage in further:
                x = x + further[stage]
        return x


def check_stages(name: str, stages: Sequence[int]) -> None:
    """Refuses stages that do not ascend.

    Raises:
        UserError: names the key, its value and what is allowed.
    """
    if list(stages) != sorted(set(stages)):
        raise UserError(f"{name} = {list(stages)}: stages ascend, each once, for instance [1, 3]")
