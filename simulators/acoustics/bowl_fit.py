"""The geometry of a bowl from points of its surface."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

_FEWEST_POINTS = 100
_NUM_SECTORS = 24
_NUM_ROUNDS = 10
_RING = (0.6, 0.9)
"""The ring that stands for the density of points near the rim, as shares of the rim's angle."""


@dataclass(frozen=True)
class BowlFit:
    """A spherical cap through points.

    - `radius_of_curvature`, `aperture_diameter` [m].
    - `apex`: the middle of its surface [m]; `axis`: the unit vector from there to the centre of curvature.
    - `residual`: median distance of the points from the sphere [m].
    """

    radius_of_curvature: float
    aperture_diameter: float
    apex: tuple[float, float, float]
    axis: tuple[float, float, float]
    residual: float


def fit_bowl(points: Float[np.ndarray, "point 3"], spacing: float) -> BowlFit:
    """Fit a sphere and its rim to voxels of a bowl, however it was voxelised.

    The sphere minimises the distances of the points, large ones damped (soft L1 beyond half a voxel). The rim is where
    the points would end if they lay as densely near it as in the ring inside of it,

        cos Theta = cos Theta_b - (N_beyond / N_ring) (cos Theta_a - cos Theta_b),

    with N_ring points between the angles Theta_a and Theta_b and N_beyond outside of Theta_b; found sector by sector
    around the axis, which is turned until the rim is level. Counting makes the result independent of how thick the
    layer of voxels is, and good to a fraction of a voxel.

    **Arguments:**

    - `points`: points of the bowl [m].
    - `spacing`: of the voxels they stand for [m].

    **Returns:** the bowl.

    **Raises:** `ValueError` when the points are too few, or not those of a bowl.
    """
    if len(points) < _FEWEST_POINTS or not np.all(np.isfinite(points)):
        raise ValueError(f"A bowl needs at least {_FEWEST_POINTS} finite points, got {len(points)}.")
    middle = points.mean(axis=0)
    centre, radius = _sphere(points - middle, spacing)
    offset = points - middle - centre
    distance = np.linalg.norm(offset, axis=1)
    residual = float(np.median(np.abs(distance - radius)))
    if residual > spacing or not 4 * spacing < radius < 1.0:
        raise ValueError(
            f"The points are not those of a bowl: the best sphere has a radius of {1e3 * radius:.1f} mm, and half of "
            f"them lie {1e3 * residual:.2f} mm or more off it, with voxels of {1e3 * spacing:g} mm."
        )
    axis, rim_angle = _rim(offset / distance[:, None])
    apex = middle + centre - radius * axis
    return BowlFit(
        radius_of_curvature=float(radius),
        aperture_diameter=float(2.0 * radius * np.sin(rim_angle)),
        apex=tuple(float(x) for x in apex),
        axis=tuple(float(x) for x in axis),
        residual=residual,
    )


def _sphere(points: np.ndarray, spacing: float) -> tuple[np.ndarray, float]:
    """Centre and radius of the sphere nearest to the points."""
    # |p|^2 = 2 p c + (r^2 - |c|^2) is linear in the centre, and a good start.
    matrix = np.concatenate([2.0 * points, np.ones((len(points), 1))], axis=1)
    start, _, rank, _ = np.linalg.lstsq(matrix, np.sum(points**2, axis=1), rcond=1e-8)
    if rank < 4:
        raise ValueError("The points lie in a plane; a bowl is curved.")
    start[3] = np.sqrt(max(start[3] + start[:3] @ start[:3], spacing**2))

    def residuals(sphere: np.ndarray) -> np.ndarray:
        return np.linalg.norm(points - sphere[:3], axis=1) - sphere[3]

    def slopes(sphere: np.ndarray) -> np.ndarray:
        offset = points - sphere[:3]
        inward = -offset / np.linalg.norm(offset, axis=1, keepdims=True)
        return np.concatenate([inward, -np.ones((len(points), 1))], axis=1)

    found = least_squares(residuals, start, slopes, loss="soft_l1", f_scale=0.5 * spacing, x_scale=spacing).x
    return found[:3], float(found[3])


def _rim(directions: np.ndarray) -> tuple[np.ndarray, float]:
    """The axis and the angle of the rim [rad], from the directions in which points are seen from the centre."""
    outward = _unit(directions.mean(axis=0))
    angle = float(np.quantile(np.arccos(np.clip(directions @ outward, -1.0, 1.0)), 0.98))
    for _ in range(_NUM_ROUNDS):
        if not 0.0 < angle < 0.5 * np.pi:
            raise ValueError("The points reach beyond a hemisphere; a bowl has an opening.")
        across = np.linalg.svd(outward[None])[2][1:]
        height = directions @ outward
        azimuth = np.arctan2(directions @ across[1], directions @ across[0])
        sector = np.floor((azimuth / (2.0 * np.pi) + 0.5) * _NUM_SECTORS).astype(int) % _NUM_SECTORS
        angles = np.array([_rim_angle(height[sector == i], angle) for i in range(_NUM_SECTORS)])
        middle = (np.arange(_NUM_SECTORS) + 0.5) / _NUM_SECTORS * 2.0 * np.pi - np.pi
        waves = np.stack([np.ones(_NUM_SECTORS), np.cos(middle), np.sin(middle)], axis=1)
        angle, *tilt = np.linalg.lstsq(waves, angles)[0]
        outward = _unit(outward + np.asarray(tilt) @ across)
    return -outward, _rim_angle(directions @ outward, float(angle))


def _rim_angle(height: np.ndarray, guess: float) -> float:
    """Where points end that lie as densely near the rim as in the ring inside of it [rad].

    **Arguments:**

    - `height`: cosines of the angles of the points from the axis.
    - `guess`: of the rim's angle.
    """
    upper, lower = np.cos(_RING[0] * guess), np.cos(_RING[1] * guess)
    in_ring = np.count_nonzero((height < upper) & (height >= lower))
    if in_ring == 0:
        raise ValueError("The points leave out a part of the ring near the rim; they are not those of a whole bowl.")
    beyond = np.count_nonzero(height < lower)
    return float(np.arccos(np.clip(lower - beyond / in_ring * (upper - lower), -1.0, 1.0)))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
