"""Heads known by their CT alone, as places for transducers."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.phantom import SyntheticHead
from fieldcast.simulators.acoustics.placement import Bowl, Placement, overlaps
from fieldcast.simulators.acoustics.scalp import sample, scalp_crossing, scalp_normal
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Coordinates, Grid

_PLACING_SPACING = 2e-3
"""Spacing of the CT on which places are looked for [m]; a transducer needs no finer one, and masks cost."""

_LEAST_GAP = 2e-3
"""Distance along the axis that every point of a transducer keeps from the head, at least [m]."""

_MOST_TRIES = 200
_NUM_RAYS = 4000


@dataclass(frozen=True, eq=False)
class ScannedHead:
    """A CT of a whole head: its scalp, and which places on it suit a transducer.

    **Arguments:**

    - `head`: the CT, on a grid at least as fine as the scenes that are cut out of it.
    """

    head: Head

    def on(self, grid: Grid) -> Head:
        """The CT on `grid`."""
        return self.head.resample(grid)

    @cached_property
    def coarse(self) -> Head:
        """The CT on which places are looked for."""
        grid = self.head.grid
        if grid.spacing >= 0.99 * _PLACING_SPACING:
            return self.head
        shape = tuple(1 + int(length / _PLACING_SPACING) for length in grid.extent)
        return self.head.resample(Grid(shape, _PLACING_SPACING, grid.origin))

    @cached_property
    def centre(self) -> Float[np.ndarray, " axis"]:
        """The middle of the brain's side of the skull [m]."""
        index = np.argwhere(self.coarse.cavity)
        return np.asarray(self.coarse.grid.origin) + self.coarse.grid.spacing * index.mean(axis=0)

    def scalp_point(self, direction: Coordinates) -> Float[np.ndarray, " axis"]:
        """The point of the scalp [m] in a `direction` from the centre of the head.

        **Raises:** `ValueError` when the CT ends before the head does.
        """
        return scalp_crossing(self.coarse, self.centre + 0.1 * np.asarray(direction, dtype=float), self.centre)

    def scalp_around(self, point: Coordinates) -> Float[np.ndarray, "point axis"]:
        """Where rays from a `point` [m] in all directions leave the head for the last time, to a voxel [m].

        Directions are spread evenly; those in which the image ends before the head does are left out.
        """
        height = 1.0 - 2.0 * (np.arange(_NUM_RAYS) + 0.5) / _NUM_RAYS
        azimuth = math.pi * (3.0 - math.sqrt(5.0)) * np.arange(_NUM_RAYS)
        across = np.sqrt(1.0 - height**2)
        directions = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), height], axis=-1)
        exits = self._exits(np.asarray(point, dtype=float), directions * np.linalg.norm(self.coarse.grid.extent))
        return exits[self._in_image(exits)]

    def scalp_normal(self, point: Coordinates) -> Float[np.ndarray, " axis"]:
        """The outward unit normal of the scalp at a `point` [m] on it."""
        return scalp_normal(self.coarse, point)

    def refusal(self, placement: Placement, bowl: Bowl) -> str | None:
        """Why `bowl` cannot be put there; `None` when it can.

        It must keep a gap to the head all along its rim, its target and its geometric focus must lie inside the skull,
        clear of bone, and the CT must show the head wherever the beam passes.
        """
        transducer = placement.transducer(bowl)
        axis = np.asarray(transducer.axis, dtype=float)
        advanced = bowl.at(np.asarray(transducer.position, dtype=float) + _LEAST_GAP * axis, axis)
        if not self.within_skull(placement.target):
            return "the target is not inside the skull"
        if not self.within_skull(transducer.geometric_focus):
            return "the focus does not reach the inside of the skull"
        if overlaps(advanced, self.coarse):
            return f"the transducer comes closer than {1e3 * _LEAST_GAP:g} mm to the head"
        if self._is_cut(transducer):
            return "the image ends within the beam"
        return None

    def within_skull(self, point: Coordinates) -> bool:
        """Whether a `point` [m] is inside the skull, clear of bone."""
        grid = self.coarse.grid
        if not grid.contains(point):
            return False
        index = np.rint((np.asarray(point, dtype=float) - np.asarray(grid.origin)) / grid.spacing).astype(int)
        return bool(self.coarse.focus_region[tuple(index)])

    def _is_cut(self, transducer: FocusedBowl) -> bool:
        """Whether a ray from the focus to the transducer leaves the head through a face of the image."""
        focus = np.asarray(transducer.geometric_focus, dtype=float)
        surface = np.asarray(transducer.surface_points(64), dtype=float)
        return not self._in_image(self._exits(focus, surface - focus)).all()

    def _exits(self, start: np.ndarray, ways: np.ndarray) -> np.ndarray:
        """The last points inside the head on straight `ways` from `start`, by half a voxel."""
        grid = self.coarse.grid
        share = np.arange(0.0, 1.0, 0.5 * grid.spacing / float(np.linalg.norm(ways, axis=1).max()))
        rays = start + share[None, :, None] * ways[:, None, :]
        inside = sample(self.coarse.interior.astype(float), grid, rays.reshape(-1, grid.ndim)) >= 0.5
        last = share.size - 1 - np.argmax(inside.reshape(rays.shape[:2])[:, ::-1], axis=1)
        return rays[np.arange(len(rays)), last]

    def _in_image(self, points: np.ndarray) -> np.ndarray:
        """Which points are farther from the faces of the image than a voxel."""
        index = (points - np.asarray(self.coarse.grid.origin)) / self.coarse.grid.spacing
        return np.all((index > 1.5) & (index < np.asarray(self.coarse.grid.shape) - 2.5), axis=1)


def scan(head: SyntheticHead) -> ScannedHead:
    """The whole of a synthetic head as a CT."""
    reach = 1.1 * np.asarray(head.semi_axes) + 2 * _PLACING_SPACING
    return ScannedHead(head.on(Grid(tuple(int(n) for n in 2 * reach / _PLACING_SPACING), _PLACING_SPACING)))


def first_usable(draw: Callable[[], Placement | str], head: ScannedHead, bowl: Bowl) -> Placement:
    """The first placement drawn where `bowl` can be put on `head`.

    **Arguments:**

    - `draw`: gives a placement, or says why there is none.

    **Raises:** `ValueError` with the reasons when none of many suits.
    """
    reasons: Counter[str] = Counter()
    for _ in range(_MOST_TRIES):
        placement = draw()
        reason = placement if isinstance(placement, str) else head.refusal(placement, bowl)
        if reason is None:
            return placement
        reasons[reason] += 1
    counted = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    raise ValueError(
        f"None of {_MOST_TRIES} places tried on the head suits the transducer: {counted}. Choose other targets, a "
        f"wider range of standoffs, or a transducer of another focal length."
    )
