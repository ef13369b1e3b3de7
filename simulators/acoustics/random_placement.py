"""Random places for a transducer on a synthetic head."""

from dataclasses import dataclass

import numpy as np

from fieldcast.simulators.acoustics.phantom import Range, SyntheticHead
from fieldcast.simulators.acoustics.placement import Placement
from fieldcast.simulators.acoustics.scalp import floats, unit_vector


@dataclass(frozen=True)
class RandomPlacement:
    """Random places on the upper part of a synthetic head: `placement = RandomPlacement()(skull, generator)`.

    **Arguments:**

    - `standoff`: range of the standoff [m].
    - `target_depth`: range of the target's distance from the scalp along the axis [m].
    - `tilt_max`: largest angle between the axis and the inward normal of the scalp [rad].
    - `height_min`: least height of the scalp point as seen from the centre, as the sine of the elevation (for three
      dimensions; in two every direction is as good).
    """

    standoff: Range = (4e-3, 7e-3)
    target_depth: Range = (25e-3, 45e-3)
    tilt_max: float = 0.17
    height_min: float = 0.2

    def __call__(self, skull: SyntheticHead, generator: np.random.Generator, ndim: int = 3) -> Placement:
        """A placement on `skull`, in the plane z = 0 for `ndim` 2."""
        direction = unit_vector(generator.standard_normal(ndim))
        if ndim == 3:
            height = generator.uniform(self.height_min, 1.0)
            direction = np.append(np.sqrt(1.0 - height**2) * unit_vector(direction[:2]), height)
        scalp = skull.scalp_point(direction)
        inward = -skull.scalp_normal(scalp)
        across = generator.standard_normal(ndim)
        across = unit_vector(across - (across @ inward) * inward)
        tilt = generator.uniform(0.0, self.tilt_max)
        axis = np.cos(tilt) * inward + np.sin(tilt) * across
        target = scalp + generator.uniform(*self.target_depth) * axis
        return Placement(floats(scalp), floats(target), generator.uniform(*self.standoff))
