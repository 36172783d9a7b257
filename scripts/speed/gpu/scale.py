"""Sizes of all that is measured: for a GPU, and for a pretence of one on any processor."""

from dataclasses import dataclass
from pathlib import Path

from afnetm.training.config import Precision


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Device of cells, and the sizes of what they run.

    Attributes:
        device: ``"cuda"`` or ``"cpu"``.
        home: with a dataset, and records of the suite ``quick`` on a processor if there are any; None to make scans up.
        width: of every encoder.
        checked: pixels of the faces that methods are checked on.
        precisions: that methods are checked in.
        learnt: subjects and pixels of synthetic scans that are to be learnt.
        methods: that are to learn, with how many folds and epochs; None for the suite's own epochs.
        timed: pixels of the faces that steps are timed on, and subjects where scans are synthetic.
        batches: of timed steps.
        warm, windows, window: steps before any is timed; how many times are taken; steps in each.
        copied: bytes of what is copied to measure bandwidth.
        product: rows and columns of the matrices that are multiplied.
        repeats: of a copy and of a product.
        encoders: that are trained a little, by timm's names.
        processes: how many train on the device at once.
        seconds: for so long.
        loaded: scans and epochs of the loops that are compared, and the processes that load scans for Lightning.
    """

    device: str
    home: Path | None = None
    width: float
    checked: int
    precisions: tuple[Precision, ...]
    learnt: tuple[int, int]
    methods: tuple[str, ...]
    folds: int
    epochs: int | None
    timed: tuple[int, int]
    batches: tuple[int, ...]
    warm: int
    windows: int
    window: int
    copied: int
    product: int
    repeats: int
    encoders: tuple[str, ...]
    processes: tuple[int, ...]
    seconds: float
    loaded: tuple[int, int, int]


GPU = Scale(
    device="cuda",
    width=1.0,
    checked=64,
    precisions=("bfloat16", "float32"),
    learnt=(40, 64),
    methods=("texture", "depth", "concat", "late", "afnetm"),
    folds=2,
    epochs=None,
    timed=(80, 224),
    batches=(32, 128),
    warm=3,
    windows=5,
    window=20,
    copied=2**32,
    product=8192,
    repeats=20,
    encoders=(
        "resnet50",
        "convnext_atto",
        "efficientnet_b0",
        "mobilenetv3_small_100",
        "regnety_002",
        "vit_tiny_patch16_224",
        "swin_tiny_patch4_window7_224",
    ),
    processes=(1, 2, 4, 8, 16),
    seconds=8.0,
    loaded=(480, 2, 8),
)

PRETENDED = Scale(
    device="cpu",
    width=0.125,
    checked=32,
    precisions=("float32",),
    learnt=(5, 32),
    methods=("afnetm",),
    folds=1,
    epochs=1,
    timed=(2, 32),
    batches=(2,),
    warm=1,
    windows=2,
    window=1,
    copied=2**22,
    product=128,
    repeats=2,
    encoders=("convnext_atto",),
    processes=(1, 2),
    seconds=0.2,
    loaded=(8, 1, 1),
)
