"""The report on graph modes tells what is whole from what makes the host wait."""

import pytest
from torch import nn

from afnetm.face_batch import FaceBatch
from afnetm.method import Output
from baselines.texture import Texture
from scripts.graphs import friendliness


class Whole(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 6)

    def forward(self, faces: FaceBatch) -> Output:
        return Output(self.head(faces.texture.mean((2, 3))))


class Waiting(Whole):
    def forward(self, faces: FaceBatch) -> Output:
        return Output(super().forward(faces).logits * (2.0 if faces.masks.mean().item() > 0.5 else 1.0))


def test_a_network_that_asks_for_a_number_is_told_from_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Texture, "build", lambda self, encoder, classes: Whole())
    found = friendliness(Texture)
    assert (found.pieces, found.eager) == (1, "")
    monkeypatch.setattr(Texture, "build", lambda self, encoder, classes: Waiting())
    found = friendliness(Texture)
    assert found.pieces != 1
    assert found.breaks
    assert "the host would wait for _local_scalar_dense" in found.eager
