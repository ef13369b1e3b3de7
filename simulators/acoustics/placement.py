"""Where a transducer goes: on the scalp, aimed at a target, clear of the head, and on a grid that holds it all."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float
from scipy import ndimage

from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.scalp import (
    checked_points,
    floats,
    in_millimetres,
    sample,
    scalp_crossing,
    unit_vector,
)
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Coordinates, Grid

_ENTRY_TOLERANCE = 10e-3
"""How far below the scalp an entry point may lie and still count as a point on it [m]."""


@dataclass(frozen=True)
class Bowl:
    """A focused bowl that has no place yet.

    **Arguments:** as of `FocusedBowl`: `radius_of_curvature` [m], `aperture_diameter` [m], `frequency` [Hz],
    `surface_pressure` [Pa].
    """

    radius_of_curvature: float
    aperture_diameter: float
    frequency: float
    surface_pressure: float

    def at(self, position: Coordinates, axis: Coordinates) -> FocusedBowl:
        """This bowl with its apex at `position` [m], radiating along `axis`."""
        return FocusedBowl(
            radius_of_curvature=self.radius_of_curvature,
            aperture_diameter=self.aperture_diameter,
            frequency=self.frequency,
            surface_pressure=self.surface_pressure,
            position=position,
            axis=axis,
        )


@dataclass(frozen=True)
class Placement:
    """A point on the scalp, a target below it, and how far the transducer stands off.

    **Arguments:**

    - `scalp_point`: where the axis of the transducer meets the scalp [m].
    - `target`: a point inside the head through which the axis passes [m]. It sets the direction alone: how deep the
      geometric focus lies is decided by the bowl and the standoff.
    - `standoff`: distance along the axis from the plane of the bowl's rim to `scalp_point` [m]. The apex is the depth
      of the bowl farther back, so that a positive standoff keeps the whole bowl clear of a flat scalp.
    """

    scalp_point: tuple[float, ...]
    target: tuple[float, ...]
    standoff: float

    def __post_init__(self):
        if not 0.0 <= self.standoff <= 0.2:
            raise ValueError(
                f"The standoff must lie between 0 and 0.2 m, got {self.standoff} m; lengths are in metres (were "
                f"millimetres meant?)."
            )

    @property
    def axis(self) -> Float[np.ndarray, " axis"]:
        """The unit vector from the scalp to the target."""
        return unit_vector(np.subtract(self.target, self.scalp_point))

    def transducer(self, bowl: Bowl) -> FocusedBowl:
        """The `bowl` put in this place, with its apex at `scalp_point - (standoff + depth) axis`."""
        depth = bowl.at(self.scalp_point, self.axis).depth
        return bowl.at(np.asarray(self.scalp_point) - (self.standoff + depth) * self.axis, self.axis)


def place_bowl(head: Head, bowl: Bowl, *, entry: Coordinates, target: Coordinates, standoff: float) -> FocusedBowl:
    """Put a bowl outside the scalp, aimed at a target.

    The axis is the line from the scalp to the target: the scalp is crossed where the ray from the target through
    `entry` last leaves the head.

    **Arguments:**

    - `head`: the CT; it must hold the target and the scalp on the way to it.
    - `bowl`: the transducer.
    - `entry`: a point on the scalp, approximately, or anywhere outside on the way to the target [m].
    - `target`: a point of soft tissue inside the head [m].
    - `standoff`: distance along the axis from the plane of the rim to the scalp [m].

    **Returns:** the placed transducer.

    **Raises:** `ValueError` when the target is outside of the head or in bone, when the entry is not at the scalp, when
    coordinates look like millimetres, and when the transducer overlaps the head.
    """
    entry, target = checked_points(head, entry=entry, target=target)
    _check_target(head, target)
    scalp = scalp_crossing(head, entry, target)
    below = float(np.linalg.norm(scalp - target) - np.linalg.norm(entry - target))
    if below > _ENTRY_TOLERANCE:
        raise ValueError(
            f"The entry point {in_millimetres(entry)} mm lies {1e3 * below:.1f} mm below the scalp; it must be on the "
            f"scalp or outside of it. On the line to the target the scalp is at {in_millimetres(scalp)} mm."
        )
    transducer = Placement(floats(scalp), floats(target), standoff).transducer(bowl)
    check_clear_of_head(transducer, head)
    return transducer


def check_clear_of_head(transducer: FocusedBowl, head: Head) -> None:
    """Refuse a transducer of which any point lies inside the head.

    **Arguments:**

    - `transducer`, `head`: concrete; a traced pose or CT is not checked.

    **Raises:** `ValueError` with the depth of the overlap.
    """
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((transducer, head))):
        return
    if not overlaps(transducer, head):
        return
    depth = head.grid.spacing * ndimage.distance_transform_edt(head.interior)
    overlap = float(sample(depth, head.grid, _surface(transducer, head.grid.spacing)).max())
    raise ValueError(
        f"The transducer overlaps the head by about {1e3 * overlap:.1f} mm. Increase the standoff by at least as much, "
        f"or turn the axis towards the normal of the scalp."
    )


def overlaps(transducer: FocusedBowl, head: Head) -> bool:
    """Whether any point of the transducer's surface or rim lies inside the head, or in bone that stands apart."""
    points = _surface(transducer, head.grid.spacing)
    occupied = (head.interior | head.bone).astype(float)
    return bool((sample(occupied, head.grid, points) > 0.5).any())


def grid_around(
    transducer: FocusedBowl, shape: tuple[int, ...], spacing: float, margin: float = 3e-3, beyond: float = 10e-3
) -> Grid:
    """An axis-aligned grid that holds a transducer, its geometric focus and what lies beyond, in its middle.

    **Arguments:**

    - `transducer`: the bowl; its axis may point anywhere.
    - `shape`, `spacing` [m]: of the grid.
    - `margin`: free distance between the radiating surface and the faces of the grid [m].
    - `beyond`: how far beyond the geometric focus the grid must reach along the axis, at least [m].

    **Returns:** the grid.

    **Raises:** `ValueError` when they do not fit, with the number of points that would.
    """
    if len(shape) != transducer.ndim:
        raise ValueError(f"A {transducer.ndim}-D transducer needs a grid of as many axes, got shape {shape}.")
    surface = _surface(transducer, spacing)
    end = np.asarray(transducer.geometric_focus + beyond * transducer.axis)
    lower = np.minimum(surface.min(axis=0) - margin, end)
    upper = np.maximum(surface.max(axis=0) + margin, end)
    needed = np.ceil((upper - lower) / spacing - 1e-6).astype(int) + 1
    if (needed > np.asarray(shape)).any():
        raise ValueError(
            f"The transducer, its focus and {1e3 * beyond:.1f} mm beyond do not fit a grid of shape {shape} at "
            f"{1e3 * spacing:g} mm: at least {tuple(needed.tolist())} points are needed. Take a larger grid or a "
            f"smaller bowl."
        )
    middle, half = 0.5 * (lower + upper), 0.5 * (np.asarray(shape) - 1) * spacing
    return Grid(shape, spacing, floats(middle - half))


def _surface(transducer: FocusedBowl, spacing: float) -> np.ndarray:
    """Points on the radiating surface, about two to a voxel's face, and on its rim [m]."""
    num_points = 200 + int(2 * transducer.surface_measure / spacing ** (transducer.ndim - 1))
    points = np.asarray(transducer.surface_points(num_points), dtype=float)
    axis = np.asarray(transducer.axis, dtype=float)
    centre = np.asarray(transducer.position, dtype=float) + transducer.depth * axis
    # The outermost of evenly spread points are the rim, once pushed out to its radius.
    across = points - centre - ((points - centre) @ axis)[:, None] * axis
    distance = np.linalg.norm(across, axis=1)
    outermost = distance > np.quantile(distance, 0.8)
    rim = centre + 0.5 * transducer.aperture_diameter * across[outermost] / distance[outermost, None]
    return np.concatenate([points, rim])


def _check_target(head: Head, target: np.ndarray) -> None:
    if not head.grid.contains(target) or sample(head.interior.astype(float), head.grid, target[None])[0] < 0.5:
        raise ValueError(
            f"The target {in_millimetres(target)} mm lies outside of the head; choose a point inside. Coordinates are "
            f"those of the CT's world, in metres."
        )
    if sample(head.bone.astype(float), head.grid, target[None])[0] > 0.5:
        raise ValueError(
            f"The target {in_millimetres(target)} mm lies in bone; choose a point of soft tissue inside the skull."
        )
