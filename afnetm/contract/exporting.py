"""Check of a method's network as an ONNX file, where the extra that writes one is installed."""

from afnetm.blame import error_message
from afnetm.contract.bench import Bench, demand
from afnetm.contract.inputs import SIZE
from afnetm.errors import UserError
from afnetm.model.encoder import EncoderSpec
from afnetm.trained.onnx_files import TOLERANCE, check_installed, difference_of, inputs_of, onnx_bytes
from afnetm.training.config import TrainingConfig

#: In four stages as few layers as there can be: the exporter takes milliseconds for each operation.
_ENCODER = EncoderSpec(name="test_resnet")


def check_it_is_exported(bench: Bench) -> None:
    """ONNX Runtime answers as torch does, or the method says why there can be no such file."""
    try:
        check_installed()
    except UserError:
        return
    network, inputs, config = bench.build(encoder=_ENCODER), inputs_of(bench.kind()), TrainingConfig()
    bench.train(network, epochs=1)
    try:
        content = onnx_bytes(network, config, inputs, size=SIZE)
        difference = difference_of(content, network, config, inputs, size=SIZE)
    except Exception as error:  # of any part of torch's exporter, or of ONNX Runtime
        demand(
            bench.kind.no_onnx,
            f"cannot be exported to ONNX: {error_message(error, bench.kind.__module__)}; mend what the exporter cannot "
            'follow, or say why in no_onnx = "..."',
        )
        return
    demand(not bench.kind.no_onnx, f"is exported to ONNX, though no_onnx = '{bench.kind.no_onnx}'; leave that out")
    demand(
        difference <= TOLERANCE,
        f"exported to ONNX a probability differs by {difference:.2g}; it may by {TOLERANCE:g}: compute what the "
        "exporter records in the same way for every batch",
    )
