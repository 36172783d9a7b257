"""The synthetic source: subjects with painted faces, action units and imperfect sensors."""

from afnetm.data.synthetic.source import GENERATOR_VERSION, SyntheticSource
from afnetm.data.synthetic.variants import STANDARD, VARIANTS

__all__ = ["GENERATOR_VERSION", "STANDARD", "VARIANTS", "SyntheticSource"]
