"""Recipes of transcranial ultrasound datasets."""

from dataclasses import dataclass

import numpy as np

from fieldcast.simulators.acoustics.phantom import SkullPhantom
from fieldcast.simulators.acoustics.placement import Bowl, grid_around
from fieldcast.simulators.acoustics.random_placement import RandomPlacement
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.tissue import MarsacMueller


@dataclass(frozen=True)
class UltrasoundRecipe:
    """Procedural skulls, each sonicated once by the same bowl from a random place on the scalp.

    Every scene has a skull of its own, so the splits share no skull.

    **Arguments:**

    - `num_scenes`: scenes in all three splits together; more can be asked for later, the first ones stay the same.
    - `seed`: of skulls and placements.
    - `bowl`: the transducer.
    - `shape`, `spacing` [m]: of each scene's grid.
    - `phantom`, `placement`: families of heads and of transducer poses.
    - `num_valid`, `num_test`: of every `split_period` scenes, how many are kept for validation and test.
    """

    num_scenes: int = 40
    seed: int = 0
    bowl: Bowl = Bowl(radius_of_curvature=30e-3, aperture_diameter=26e-3, frequency=375e3, surface_pressure=100e3)
    shape: tuple[int, ...] = (48, 48, 48)
    spacing: float = 1e-3
    phantom: SkullPhantom = SkullPhantom()
    placement: RandomPlacement = RandomPlacement()
    num_valid: int = 1
    num_test: int = 2
    split_period: int = 10

    def split(self, index: int) -> str:
        """The split of scene `index`; it does not depend on `num_scenes`."""
        place = index % self.split_period
        if place < self.num_test:
            return "test"
        return "valid" if place < self.num_test + self.num_valid else "train"

    def scene(self, index: int) -> Scene:
        """Scene number `index`."""
        generator = np.random.default_rng([self.seed, index])
        head = self.phantom.draw(generator)
        transducer = self.placement(head, generator).transducer(self.bowl)
        grid = grid_around(transducer, self.shape, self.spacing)
        return scene_from_head(head.on(grid), transducer, MarsacMueller())
