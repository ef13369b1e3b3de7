"""Places for a transducer drawn at random: anywhere over the upper part of a head, or aimed at given targets."""

import math
from dataclasses import dataclass

import numpy as np

from fieldcast.simulators.acoustics.phantom import Range, SyntheticHead
from fieldcast.simulators.acoustics.placement import Bowl, Placement
from fieldcast.simulators.acoustics.scalp import floats, in_millimetres, scalp_crossing, unit_vector
from fieldcast.simulators.acoustics.scanned_head import ScannedHead, first_usable, scan


@dataclass(frozen=True)
class RandomPlacement:
    """Random places on the upper part of a head: `placement = RandomPlacement()(head, generator, bowl)`.

    On a scanned head places are drawn until one suits the bowl (`ScannedHead.refusal`); a synthetic head has none that
    does not.

    **Arguments:**

    - `standoff`: range of the standoff, the coupling gap on the axis [m].
    - `target_depth`: range of the target's distance from the scalp along the axis [m].
    - `tilt_max`: largest angle between the axis and the inward normal of the scalp [rad].
    - `height_min`: least height of the scalp point as seen from the centre, as the sine of the elevation (for three
      dimensions; in two every direction is as good). Negative for scans that end below the vault.
    """

    standoff: Range = (4e-3, 7e-3)
    target_depth: Range = (25e-3, 45e-3)
    tilt_max: float = 0.17
    height_min: float = 0.2

    def __call__(
        self,
        head: SyntheticHead | ScannedHead,
        generator: np.random.Generator,
        bowl: Bowl | None = None,
        ndim: int = 3,
    ) -> Placement:
        """A placement on `head`, in the plane z = 0 for `ndim` 2; a scanned head asks for the `bowl`."""
        if isinstance(head, SyntheticHead):
            return self._draw(head, generator, ndim)
        if bowl is None:
            raise ValueError("Whether a place on a scanned head suits depends on the bowl; give it.")
        return first_usable(lambda: self._attempt(head, generator, ndim), head, bowl)

    def _attempt(self, head: ScannedHead, generator: np.random.Generator, ndim: int) -> Placement | str:
        try:
            return self._draw(head, generator, ndim)
        except ValueError:
            return "the image shows no scalp there, try a lower height_min"

    def _draw(self, head: SyntheticHead | ScannedHead, generator: np.random.Generator, ndim: int) -> Placement:
        direction = unit_vector(generator.standard_normal(ndim))
        if ndim == 3:
            height = generator.uniform(self.height_min, 1.0)
            direction = np.append(np.sqrt(1.0 - height**2) * unit_vector(direction[:2]), height)
        scalp = head.scalp_point(direction)
        inward = -head.scalp_normal(scalp)
        across = generator.standard_normal(ndim)
        across = unit_vector(across - (across @ inward) * inward)
        tilt = generator.uniform(0.0, self.tilt_max)
        axis = np.cos(tilt) * inward + np.sin(tilt) * across
        target = scalp + generator.uniform(*self.target_depth) * axis
        return Placement(floats(scalp), floats(target), generator.uniform(*self.standoff))


@dataclass(frozen=True)
class AimedPlacement:
    """Random places from which the geometric focus lies on one of the given targets.

    How far the scalp may be from a target is set by the bowl: `|scalp - target| = sqrt(R^2 - (D/2)^2) - standoff` with
    its radius of curvature R and aperture diameter D.

    **Arguments:**

    - `targets`: points inside the skull, in the head's world [m]; each placement draws one of them.
    - `standoff`: range of the standoff, the coupling gap on the axis [m].
    - `tilt_max`: largest angle between the axis and the inward normal of the scalp [rad].
    """

    targets: tuple[tuple[float, float, float], ...]
    standoff: Range = (3e-3, 10e-3)
    tilt_max: float = 0.26

    def __post_init__(self):
        if not self.targets:
            raise ValueError("An aimed placement needs at least one target.")

    def __call__(self, head: SyntheticHead | ScannedHead, generator: np.random.Generator, bowl: Bowl) -> Placement:
        """A placement of `bowl` on `head`.

        **Raises:** `ValueError` when no place suits the target drawn, with the reasons.
        """
        scanned = scan(head) if isinstance(head, SyntheticHead) else head
        target = np.asarray(self.targets[generator.integers(len(self.targets))], dtype=float)
        if not scanned.within_skull(target):
            raise ValueError(
                f"The target {in_millimetres(target)} mm is not inside the skull, clear of bone; targets are points of "
                f"the head's world, in metres."
            )
        reach = math.sqrt(bowl.radius_of_curvature**2 - 0.25 * bowl.aperture_diameter**2)
        scalp = scanned.scalp_around(target)
        distance = np.linalg.norm(scalp - target, axis=1)
        nearest, farthest = reach - self.standoff[1], reach - self.standoff[0]
        entries = scalp[(distance >= nearest) & (distance <= farthest)]
        asked = (
            f"The target {in_millimetres(target)} mm cannot be reached: the scalp is {1e3 * distance.min():.1f} mm "
            f"away or more, and this bowl asks for {1e3 * nearest:.1f} to {1e3 * farthest:.1f} mm."
        )
        if not len(entries):
            raise ValueError(f"{asked} Take a bowl of another focal length, or another target.")
        try:
            return first_usable(lambda: self._draw(scanned, generator.choice(entries), target, reach), scanned, bowl)
        except ValueError as error:
            raise ValueError(f"{asked} {error}") from error

    def _draw(self, head: ScannedHead, entry: np.ndarray, target: np.ndarray, reach: float) -> Placement | str:
        try:
            scalp = scalp_crossing(head.coarse, entry, target)
            normal = head.scalp_normal(scalp)
        except ValueError:
            return "the image shows no scalp there"
        standoff = reach - float(np.linalg.norm(scalp - target))
        if not self.standoff[0] <= standoff <= self.standoff[1]:
            return "the scalp is too near or too far"
        placement = Placement(floats(scalp), floats(target), standoff)
        tilt = math.acos(np.clip(-float(placement.axis @ normal), -1.0, 1.0))
        return placement if tilt <= self.tilt_max else "the scalp is tilted too far"
