"""Bowls drawn at random."""

from dataclasses import dataclass

import numpy as np

from fieldcast.simulators.acoustics.phantom import Range
from fieldcast.simulators.acoustics.placement import Bowl


@dataclass(frozen=True)
class RandomBowl:
    """A family of focused bowls of one frequency: `bowl = RandomBowl(...).draw(generator)`.

    **Arguments:** each bowl draws its values evenly from the ranges.

    - `radius_of_curvature` [m], `aperture_diameter` [m], `surface_pressure` [Pa].
    - `frequency`: of all [Hz].
    """

    radius_of_curvature: Range = (28e-3, 32e-3)
    aperture_diameter: Range = (20e-3, 26e-3)
    surface_pressure: Range = (50e3, 150e3)
    frequency: float = 375e3

    def draw(self, generator: np.random.Generator) -> Bowl:
        """The next bowl of a generator."""
        return Bowl(
            radius_of_curvature=generator.uniform(*self.radius_of_curvature),
            aperture_diameter=generator.uniform(*self.aperture_diameter),
            frequency=self.frequency,
            surface_pressure=generator.uniform(*self.surface_pressure),
        )
