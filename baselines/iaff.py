"""Iterative attentional feature fusion at several stages: `baselines.aff` with a second attention, from stage 2 on.

Dai, Gieseke, Oehmcke, Wu, Barnard: "Attentional Feature Fusion", WACV 2021 (arXiv 2009.14082). iAFF weighs texture and
depth by an attention to what a first one has fused; its formula is in `baselines.aff`, where it is the option
``iterative``. Here it fuses after stages 2, 3 and 4, as their feature pyramid fuses the maps of these three stages;
from stage 2 on one trunk goes on, to which each further fused map is added.

Read: ``model/fusion.py`` and ``aff_pytorch/aff_net/fusion.py`` of the authors' code (github.com/YimianDai/open-aff,
commit 0bcfd8a); what differs is said in `baselines.aff`. The pyramid is not in that code. In the paper, from memory, it
goes from the last map up to larger ones and fuses neighbouring stages of one network, without a trunk.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from afnetm.model.trunk import Stages
from baselines.aff import AFF


@dataclass(frozen=True, kw_only=True)
class IAFF(AFF):
    """Two attentions one after the other, at three stages."""

    name = "iaff"
    title = "iAFF"
    version = 1
    summary = "two channel attentions one after the other weigh the maps of three stages"
    source = "iAFF of Dai et al., WACV 2021"
    staged = True

    iterative: Literal[True] = True
    #: The stages, 1 to 4 and ascending, whose maps are fused.
    fuse_stages: Annotated[Stages, Field(min_length=1)] = (2, 3, 4)
