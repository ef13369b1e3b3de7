"""How far one focused field is from another, in numbers that mean something to a planner."""

import math

import numpy as np
from jaxtyping import ArrayLike

from fieldcast.simulators.acoustics.focus import Focus
from fieldcast.surrogates.metrics.pointwise import check_shapes, comparable


def peak_pressure_error(predicted: ArrayLike, reference: ArrayLike) -> float:
    """`|max p_hat - max p| / max p`, wherever the two peaks are."""
    predicted, reference = comparable(predicted, reference)
    return float(abs(predicted.max() - reference.max()) / reference.max())


def focal_position_error(predicted: Focus, reference: Focus) -> float:
    """`||argmax p_hat - argmax p||_2` [m]: distance of the two peaks."""
    return math.dist(predicted.position, reference.position)


def dice(predicted: ArrayLike, reference: ArrayLike) -> float:
    """Overlap of two sets of points, `2 |A and B| / (|A| + |B|)`: 1 for equal sets, 0 for disjoint ones.

    Of the masks of two foci (`Focus.mask`) it is the overlap of their -6 dB neighbourhoods.

    **Raises:** `ValueError` when both sets are empty, or their grids differ.
    """
    predicted, reference = np.asarray(predicted, bool), np.asarray(reference, bool)
    check_shapes(predicted, reference)
    size = int(predicted.sum()) + int(reference.sum())
    if size == 0:
        raise ValueError("Both sets are empty; their overlap means nothing.")
    return 2.0 * int((predicted & reference).sum()) / size
