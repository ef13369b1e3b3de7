"""The focus of an amplitude field: its peak and its half-amplitude (-6 dB) neighbourhood."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import ArrayLike
from scipy import ndimage

from fieldcast.simulators.grid import Grid


@dataclass(frozen=True)
class Focus:
    """What one reads off a focused field.

    - `position`: world coordinates of the peak [m].
    - `index`: grid index of the peak.
    - `pressure`: amplitude at the peak [Pa].
    - `volume`: volume of the connected neighbourhood of the peak in which the amplitude is at least half of it [m^3]
      (in two dimensions: area [m^2]).
    - `widths`: lengths over which the amplitude stays above one half, on lines through the peak along the principal
      axes of that neighbourhood [m], longest axis first (for a bowl: along the beam, then across it).
    - `mask`: the neighbourhood, a boolean array of the grid's shape.
    """

    position: tuple[float, ...]
    index: tuple[int, ...]
    pressure: float
    volume: float
    widths: tuple[float, ...]
    mask: np.ndarray


def find_focus(amplitude: ArrayLike, grid: Grid, region: ArrayLike | None = None) -> Focus:
    """Find the peak of `amplitude` [Pa] within `region` and measure its -6 dB neighbourhood.

    **Raises:** `ValueError` when the amplitude is not finite, or the region is empty.
    """
    amplitude = np.asarray(amplitude, dtype=float)
    if not np.all(np.isfinite(amplitude)):
        raise ValueError("The field has non-finite values; a focus cannot be read off it.")
    inside = np.ones(grid.shape, bool) if region is None else np.asarray(region, bool)
    if not inside.any():
        raise ValueError("The region in which the focus is looked for is empty.")
    highest = int(np.argmax(np.where(inside, amplitude, -np.inf)))
    index = tuple(int(i) for i in np.unravel_index(highest, grid.shape))
    peak = float(amplitude[index])
    labels, _ = ndimage.label(inside & (amplitude >= 0.5 * peak))
    mask = labels == labels[index]
    return Focus(
        position=tuple(float(x) for x in np.asarray(grid.origin) + grid.spacing * np.asarray(index)),
        index=index,
        pressure=peak,
        volume=float(mask.sum()) * grid.spacing**grid.ndim,
        widths=tuple(grid.spacing * _half_width(amplitude, index, axis) for axis in _principal_axes(mask)),
        mask=mask,
    )


def _principal_axes(mask: np.ndarray) -> np.ndarray:
    """Unit vectors along the principal axes of a set of grid points, longest first."""
    points = np.argwhere(mask).astype(float)
    points -= points.mean(axis=0)
    _, axes = np.linalg.eigh(points.T @ points)
    return axes.T[::-1]


def _half_width(amplitude: np.ndarray, index: tuple[int, ...], axis: np.ndarray) -> float:
    """Grid steps over which the amplitude stays above half its value at `index` on the line along `axis`."""
    step = 0.1
    reach = np.arange(0.0, float(np.linalg.norm(amplitude.shape)), step)
    total = 0.0
    for direction in (axis, -axis):
        line = np.asarray(index, dtype=float)[:, None] + direction[:, None] * reach
        values = ndimage.map_coordinates(amplitude, line, order=1, mode="constant", cval=0.0)
        total += step * int(np.argmax(values < 0.5 * values[0]))
    return total
