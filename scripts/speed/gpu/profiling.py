"""Kernels of a training step: which take its time, and what kinds of work they are."""

import re
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from scripts.speed.gpu.scale import Scale
from scripts.speed.gpu.stepping import training

_STEPS = 5
#: Of kernels and operations, by parts of their names; the first that fits counts.
_KINDS = {
    "convolution": r"conv|cudnn|wgrad|dgrad|fprop|implicit|xmma|cutlass|sm\d\d_|nhwc.*gemm",
    "norm": r"batch_?norm|bn_",
    "product": r"gemm|addmm|\bmm\b|bmm|cublas|matmul",
    "optimiser": r"adam|foreach|multi_tensor|lpnorm",
    "cast and copy": r"copy|cast|to_copy|memcpy",
    "fill": r"fill|memset|zero",
    "pooling": r"pool",
    "random numbers": r"rand|distribution|philox",
    "elementwise": r"elementwise|vectorized|add|mul|sub|div|relu|threshold|where|clamp|cat",
    "reduction": r"reduce|sum|mean|softmax|loss",
}


def profiled(scale: Scale, *, method: str, way: str) -> dict[str, Any]:
    """Time of a step's kernels by kind, ms, how many there are, and the ones that take most of it."""
    activities = [ProfilerActivity.CUDA if scale.device == "cuda" else ProfilerActivity.CPU]
    of = "self_device_time_total" if scale.device == "cuda" else "self_cpu_time_total"
    with training(scale, method=method, batch=scale.batches[0], way=way, steps=scale.warm + _STEPS) as take:
        for _ in range(scale.warm):
            take()
        with profile(activities=activities) as seen:
            for _ in range(_STEPS):
                take()
            if scale.device == "cuda":
                torch.cuda.synchronize()
    rows = [(event.key, event.count, getattr(event, of)) for event in seen.key_averages()]
    rows = sorted(((name, count, time) for name, count, time in rows if time > 0), key=lambda row: -row[2])
    kinds: dict[str, float] = {}
    for name, _, time in rows:
        kind = next((kind for kind, words in _KINDS.items() if re.search(words, name, re.IGNORECASE)), "other")
        kinds[kind] = kinds.get(kind, 0.0) + time / 1e3 / _STEPS
    heaviest = [{"kernel": name, "count": count / _STEPS, "ms": time / 1e3 / _STEPS} for name, count, time in rows[:40]]
    return {"kernels": sum(count for _, count, _ in rows) / _STEPS, **kinds, "heaviest": heaviest}
