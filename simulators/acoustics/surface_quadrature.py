"""Points and pieces of area by which a smooth function is integrated over a transducer's surface.

A grid's band-limited interpolant is smooth on the scale of the grid, so Gauss nodes along the meridian and equal steps
around the axis integrate it to many digits with about two points on each grid cell's worth of surface, where points
spread evenly (a spiral, say) are off by 0.5 % with ten, because they do not end at the rim.
"""

import math
from collections.abc import Callable

import numpy as np

_SPARE_NODES = 2
_SPARE_AZIMUTHS = 8
"""Beyond the density asked for; what short curves need to be integrated as well as long ones."""


def line(length: float, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes on `[0, length]`, on average closer than `distance`, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(math.ceil(length / distance) + _SPARE_NODES)
    return 0.5 * length * (nodes + 1.0), 0.5 * length * weights


def rings(
    meridian: float, radius: Callable[[float], float], height: Callable[[float], float], distance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points on a surface of revolution, about `distance` apart.

    **Arguments:**

    - `meridian`: length of the curve from the axis to the rim [m].
    - `radius`, `height`: distance from the axis, and along it, at an arc length on that curve [m].

    **Returns:** points of shape `(point, 3)` as (along the axis, across, across) [m], and the area of each [m^2].
    """
    points, areas = [], []
    for number, (arc, weight) in enumerate(zip(*line(meridian, distance), strict=True)):
        circumference = 2.0 * math.pi * radius(arc)
        count = math.ceil(circumference / distance) + _SPARE_AZIMUTHS
        azimuth = 2.0 * math.pi * (np.arange(count) + 0.5 * (number % 2)) / count
        across = radius(arc) * np.stack([np.cos(azimuth), np.sin(azimuth)], axis=-1)
        points.append(np.concatenate([np.full((count, 1), height(arc)), across], axis=-1))
        areas.append(np.full(count, circumference * weight / count))
    return np.concatenate(points), np.concatenate(areas)
