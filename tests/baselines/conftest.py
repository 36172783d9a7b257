"""What the strategies' tests stand on: faces of noise, and the smallest encoder."""

import torch

from afnetm.face_batch import FaceBatch
from afnetm.model.encoder import EncoderSpec

EIGHTH = EncoderSpec(name="resnet18", width=0.125)


def some_faces(count: int = 3, *, size: int = 64) -> FaceBatch:
    """`count` faces of noise; masks and valid are 0 or 1."""
    texture, depth = torch.randn(count, 3, size, size), torch.randn(count, 1, size, size)
    valid, masks = ((torch.rand(count, c, size, size) > 0.6).float() for c in (1, 4))
    return FaceBatch(texture, depth, valid, masks, 200 / size)
