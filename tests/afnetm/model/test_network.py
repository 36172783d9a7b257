import torch

from afnetm.data.scan import EXPRESSIONS
from afnetm.faces import Faces
from afnetm.method import methods
from afnetm.model.cost import flop_count, parameter_count
from afnetm.model.encoder import EncoderSpec
from afnetm.model.network import AFNetM

QUARTER = EncoderSpec(width=0.25)


def some_faces(count: int = 4, size: int = 64) -> Faces:
    masks = (torch.rand(count, 4, size, size) > 0.7).float()
    return Faces(torch.randn(count, 3, size, size), torch.randn(count, 1, size, size), masks[:, :1], masks, 200 / size)


def test_before_training_masks_do_not_matter_and_both_modalities_weigh_the_same() -> None:
    network = AFNetM().build(QUARTER, 6).eval()
    faces = some_faces()
    unmasked = Faces(faces.texture, faces.depth, faces.valid, torch.zeros_like(faces.masks), faces.pixel_mm)
    output = network(faces)
    assert torch.equal(output.logits, network(unmasked).logits)
    assert torch.allclose(output.extras["importance"], torch.full((4, 2), 0.5))


def test_only_one_trunk_goes_on_after_fusing() -> None:
    # One resnet18's stage 4 has 8,393,728 parameters: fusing before it saves just them, less what fusing costs.
    early = parameter_count(AFNetM(fuse_stage=3).build(EncoderSpec(), 6))
    late = parameter_count(AFNetM(fuse_stage=4).build(EncoderSpec(), 6))
    attention = 2 * (512 * 64 + 64 + 64 * 1024 + 1024)  # MA of stage 4 in both streams
    fusion = {c: 2 * c * (c // 4) + c // 4 + (c // 4) * 2 * c + 2 * c for c in (256, 512)}
    assert late - early == 8_393_728 + attention + fusion[512] - fusion[256]


def test_costs_are_those_counted_by_hand() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(8 * 16, 6))

    class OnTexture(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, faces: Faces) -> torch.Tensor:
            return self.network(faces.texture)

    assert parameter_count(network) == (3 * 9 + 1) * 8 + (128 + 1) * 6
    assert flop_count(OnTexture(), size=4) == 2 * (16 * 8 * 27 + 128 * 6)


def test_every_part_of_every_method_learns() -> None:
    for name, kind in methods().items():
        torch.manual_seed(0)
        network = kind().build(QUARTER, len(EXPRESSIONS)).train()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        seen: set[str] = set()
        for _ in range(3):
            output = network(some_faces(8))
            for logits in output.trained or (output.logits,):
                torch.nn.functional.cross_entropy(logits, torch.arange(8) % 6).backward(retain_graph=True)
            seen |= {n for n, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
            optimizer.step()
            optimizer.zero_grad()
        idle = {n for n, _ in network.named_parameters()} - seen
        assert not idle, f"{name}: no gradient ever reaches {sorted(idle)}"


def test_a_modality_that_a_method_does_not_use_cannot_change_its_answer() -> None:
    faces = some_faces()
    other = some_faces()
    for name, swapped in (
        ("texture", Faces(faces.texture, other.depth, other.valid, other.masks, faces.pixel_mm)),
        ("depth", Faces(other.texture, faces.depth, other.valid, other.masks, faces.pixel_mm)),
    ):
        network = methods()[name]().build(QUARTER, 6).eval()
        assert torch.equal(network(faces).logits, network(swapped).logits)


def test_late_fusion_gives_the_mean_of_both_streams_probabilities() -> None:
    network = methods()["late"]().build(QUARTER, 6).eval()
    output = network(some_faces())
    texture, depth = output.trained
    assert torch.allclose(output.logits.exp(), (texture.softmax(1) + depth.softmax(1)) / 2, atol=1e-6)
