"""The surface of a head: where a line crosses it, and its normal."""

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.grid import Coordinates, Grid

_LARGEST_COORDINATE = 1.0
"""No head reaches farther from its scanner's origin [m]."""


def scalp_crossing(head: Head, entry: Coordinates, target: Coordinates) -> Float[np.ndarray, " axis"]:
    """Where the ray from `target` through `entry` leaves the head for the last time.

    **Arguments:**

    - `head`: the CT.
    - `entry`, `target`: two points [m]; the target must be on the CT's grid.

    **Returns:** the point, to a fraction of a voxel [m].

    **Raises:** `ValueError` when the ray does not leave the head within the CT.
    """
    entry, target = checked_points(head, entry=entry, target=target)
    if np.linalg.norm(entry - target) < 1e-6:
        raise ValueError(
            f"The entry and the target are one point, {in_millimetres(target)} mm; together they must show a direction."
        )
    reach = np.arange(0.0, float(np.linalg.norm(head.grid.extent)), 0.05 * head.grid.spacing)
    ray = target + reach[:, None] * unit_vector(entry - target)
    upper = np.asarray(head.grid.origin) + np.asarray(head.grid.extent)
    ray = ray[np.all((ray >= head.grid.origin) & (ray <= upper), axis=1)]
    inside = np.flatnonzero(sample(head.interior.astype(float), head.grid, ray) >= 0.5)
    if inside.size == 0 or inside[-1] == len(ray) - 1:
        raise ValueError(
            f"The line from the target {in_millimetres(target)} mm through the entry {in_millimetres(entry)} mm does "
            f"not leave the head within the CT. Choose an entry where the CT shows scalp and air."
        )
    return ray[inside[-1]]


def scalp_normal(head: Head, point: Coordinates) -> Float[np.ndarray, " axis"]:
    """The outward unit normal of the scalp: the slope of the head's mask, smoothed over 3 mm.

    **Arguments:**

    - `head`: the CT.
    - `point`: a point on the scalp [m].

    **Raises:** `ValueError` when there is no scalp near the point.
    """
    (point,) = checked_points(head, point=point)
    sigma = max(3e-3 / head.grid.spacing, 1.0)
    # A box around the point: the filter sees no farther than four standard deviations.
    middle = np.rint((point - np.asarray(head.grid.origin)) / head.grid.spacing).astype(int)
    reach = int(4 * sigma) + 4
    box = tuple(slice(max(i - reach, 0), max(i + reach + 1, 2)) for i in middle)
    smooth = ndimage.gaussian_filter(head.interior[box].astype(float), sigma, mode="nearest")
    if min(smooth.shape) < 2:
        raise ValueError(f"There is no CT near {in_millimetres(point)} mm, so it has no scalp there.")
    index = (point - np.asarray(head.grid.origin)) / head.grid.spacing - [side.start for side in box]
    gradient = np.array(
        [
            ndimage.map_coordinates(slope, index[:, None], order=1, mode="constant", cval=0.0)[0]
            for slope in np.gradient(smooth)
        ]
    )
    if np.linalg.norm(gradient) < 0.05 / sigma:
        raise ValueError(f"There is no scalp near {in_millimetres(point)} mm, so it has no normal there.")
    return -unit_vector(gradient)


def checked_points(head: Head, **points: Coordinates) -> list[np.ndarray]:
    """World points as arrays; refused by name unless finite, in metres and of the head's dimension."""
    arrays = []
    for name, point in points.items():
        array = np.asarray(point, dtype=float)
        if array.shape != (head.grid.ndim,) or not np.all(np.isfinite(array)):
            raise ValueError(f"The {name} needs {head.grid.ndim} finite coordinates in metres, got {point}.")
        if np.abs(array).max() > _LARGEST_COORDINATE:
            raise ValueError(
                f"The {name} is {floats(array)} m, farther than {_LARGEST_COORDINATE:g} m from the origin: coordinates "
                f"are in metres. If these are millimetres, divide them by 1000."
            )
        arrays.append(array)
    return arrays


def sample(values: np.ndarray, grid: Grid, points: np.ndarray) -> np.ndarray:
    """`values` of a grid at world `points` of shape `(point, axis)` [m], linearly interpolated; 0 off the grid."""
    index = (points - np.asarray(grid.origin)) / grid.spacing
    return ndimage.map_coordinates(values, index.T, order=1, mode="constant", cval=0.0)


def unit_vector(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def floats(vector: np.ndarray) -> tuple[float, ...]:
    return tuple(float(x) for x in vector)


def in_millimetres(point: np.ndarray) -> tuple[float, ...]:
    """A point as it stands in messages [mm]."""
    return tuple(round(1e3 * float(x), 1) for x in point)
