"""The synthetic source: subjects with painted faces, action units and imperfect sensors."""

from afnetm.data.synthetic.source import GENERATOR_VERSION, SyntheticSource

__all__ = ["GENERATOR_VERSION", "SyntheticSource"]
