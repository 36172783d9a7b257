"""Parameters and operations of two nets that can be counted by hand, layer by layer."""

from afnetm.model.cost import flop_count, parameter_count
from afnetm.model.encoder import EncoderSpec
from baselines.late import Late
from baselines.texture import Texture

# (kernel, channels in, channels out, side of the map out), each convolution of a ResNet-18 over 224 px
RESNET18 = [
    (7, 3, 64, 112),
    *[(3, 64, 64, 56)] * 4,
    *[(3, 64, 128, 28), (1, 64, 128, 28), *[(3, 128, 128, 28)] * 3],
    *[(3, 128, 256, 14), (1, 128, 256, 14), *[(3, 256, 256, 14)] * 3],
    *[(3, 256, 512, 7), (1, 256, 512, 7), *[(3, 512, 512, 7)] * 3],
]


def test_texture_on_a_resnet18_costs_what_its_layers_do():
    network = Texture().build(EncoderSpec(name="resnet18"), 6)
    weights = sum(kernel**2 * into * out for kernel, into, out, _ in RESNET18)
    norms = sum(2 * out for _, _, out, _ in RESNET18)
    assert weights + norms == 11_689_512 - (512 * 1000 + 1000)  # as published, less the classifier of ImageNet
    assert parameter_count(network) == weights + norms + 512 * 6 + 6
    products = sum(kernel**2 * into * out * side**2 for kernel, into, out, side in RESNET18)
    assert flop_count(network, size=224) == 2 * (products + 512 * 6)


def test_late_fusion_of_two_vision_transformers_costs_what_their_layers_do():
    network = Late(geometry="depth").build(EncoderSpec(name="vit_tiny_patch16_224", size=224), 6)
    wide, blocks, patches = 192, 12, 14 * 14
    tokens = patches + 1
    weights = {"queries, keys, values": 3 * wide**2, "projection": wide**2, "hidden layers": 2 * wide * 4 * wide}
    biases, norms = 3 * wide + wide + 4 * wide + wide, 2 * 2 * wide
    block = sum(weights.values()) + biases + norms
    around = wide + tokens * wide + 2 * wide  # class token, positions, the last norm
    head = wide * 6 + 6
    parameters = {channels: 256 * channels * wide + wide + around + blocks * block + head for channels in (3, 1)}
    assert parameters[3] - head == 5_717_416 - (wide * 1000 + 1000)  # as published, less the classifier of ImageNet
    assert parameter_count(network) == sum(parameters.values())
    attention = 2 * tokens**2 * wide  # scores, and what they weigh
    one = blocks * (tokens * sum(weights.values()) + attention) + wide * 6
    assert flop_count(network, size=224) == 2 * sum(one + patches * 256 * channels * wide for channels in (3, 1))
