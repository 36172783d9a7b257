"""Several comparisons at once: the more are made, the likelier one of them looks clear by chance.

Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.
"""

import numpy as np
from numpy.typing import NDArray

#: What p has to be below for a difference to be called significant.
LEVEL = 0.05


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p of a family of comparisons ``(N,)``, in its order.

    Where those with an adjusted p below 0.05 are called different, any of them is wrongly so in at most one family of
    twenty, however the comparisons depend on one another. A NaN is a comparison that could not be made: it stays NaN
    and does not count.
    """
    adjusted = np.full_like(p, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
