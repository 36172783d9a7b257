"""Loop subdivision as a matrix, so that subdividing a morphed head is one sparse product."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, vstack


def loop_matrix(faces: NDArray[np.int64], vertices: int) -> tuple[csr_array, NDArray[np.int64]]:
    """One step of Loop subdivision of `faces` ``(F, 3)`` over `vertices` vertices.

    Returns the matrix ``(vertices + E, vertices)`` that takes old to new positions (old vertices first, then one a
    edge) and the new faces ``(4 F, 3)``; face ``f`` becomes the faces ``4 f .. 4 f + 3``. Weights: Loop, Smooth
    Subdivision Surfaces Based on Triangles, 1987; boundaries keep to the boundary.
    """
    halves = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    opposite = np.concatenate([faces[:, 2], faces[:, 0], faces[:, 1]])
    edges, edge_of, uses = np.unique(halves, axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.reshape(-1)
    inner = uses[edge_of] == 2
    count = len(edges)

    rows = [np.repeat(np.arange(count), 2), edge_of[inner]]
    columns = [edges.reshape(-1), opposite[inner]]
    weights = [np.repeat(np.where(uses == 2, 3 / 8, 1 / 2), 2), np.full(int(inner.sum()), 1 / 8)]
    odd = coo_array(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(count, vertices)
    ).tocsr()

    rim = edges[uses == 1]
    on_rim = np.zeros(vertices, dtype=bool)
    on_rim[rim] = True
    both = np.concatenate([edges, edges[:, ::-1]])
    valence = np.bincount(both[:, 0], minlength=vertices)
    k = np.maximum(valence, 1)
    beta = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / k) / 4) ** 2) / k
    spokes = both[~on_rim[both[:, 0]]]
    along = np.concatenate([rim, rim[:, ::-1]])
    own = np.where(on_rim, 3 / 4, 1 - valence * beta)
    even = coo_array(
        (
            np.concatenate([own, beta[spokes[:, 0]], np.full(len(along), 1 / 8)]),
            (
                np.concatenate([np.arange(vertices), spokes[:, 0], along[:, 0]]),
                np.concatenate([np.arange(vertices), spokes[:, 1], along[:, 1]]),
            ),
        ),
        shape=(vertices, vertices),
    ).tocsr()

    size = len(faces)
    ab, bc, ca = (vertices + edge_of[i * size : (i + 1) * size] for i in range(3))
    a, b, c = faces.T
    children = np.stack(
        [np.stack(corner, axis=1) for corner in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))], axis=1
    )
    return csr_array(vstack([even, odd])), children.reshape(-1, 3)
