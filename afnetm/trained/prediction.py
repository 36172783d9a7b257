"""The prediction of a trained model for one scan, with all that it can say of how it came about."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afnetm.data.maps import RenderedMaps
from afnetm.data.pose import Pose
from afnetm.data.scan import Scan


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """The prediction for a scan. All maps are of the frontal pose, row 0 at the top, `afnetm.data.maps.WINDOW_MM` wide.

    Attributes:
        scan: that was asked about, in its own frame, with the landmarks by which its pose was fitted where these came
            with it.
        classes: the expressions, in the order of `probabilities`.
        probabilities: ``(K,)`` float32; they sum to 1. Of a method whose scores are no probabilities (`svm`), the
            softmax of its margins.
        weights: of ``"texture"`` and ``"depth"``, which sum to 1; empty for a method that does not weigh them.
        evidence: Grad-CAM of the predicted expression by stream, ``(h, w)`` float32 0..1, the largest value 1
            (`afnetm.training.gradcam`); empty where no gradient leads to a stream.
        attention: of the method's own, by name (``"attention"``, ``"attention_texture"``), ``(h, w)`` float32 0..1;
            empty for a method that has none.
        maps: what the scan became.
        masks: ``(1, S, S)`` uint8, the regions that the method was given, bits as in `afnetm.data.maps.PLANES`; 0 for
            a method that reads none.
        pose: the motion from the scan's frame to that of the maps.
        warning: differences of the scan's landmarks from those in training, in one line; empty where there is none.
    """

    scan: Scan
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    weights: Mapping[str, float]
    evidence: Mapping[str, NDArray[np.float32]]
    attention: Mapping[str, NDArray[np.float32]]
    maps: RenderedMaps
    masks: NDArray[np.uint8]
    pose: Pose
    warning: str = ""

    @property
    def ranking(self) -> list[tuple[str, float]]:
        """Expressions and their probabilities, the most probable first."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(self.classes[k], float(self.probabilities[k])) for k in order]

    @property
    def expression(self) -> str:
        """The most probable one."""
        return self.ranking[0][0]

    @property
    def probability(self) -> float:
        """Probability of that one."""
        return self.ranking[0][1]

    @property
    def margin(self) -> float:
        """Difference from the probability of the next one: 0, undecided, to 1, certain."""
        first, second = [*self.ranking, ("", 0.0)][:2]
        return first[1] - second[1]
