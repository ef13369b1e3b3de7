"""Recipes of transcranial ultrasound datasets."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fieldcast.datasets.engine.plain import to_plain
from fieldcast.datasets.heads import ImageHeads, PhantomHeads
from fieldcast.datasets.solvers import KWaveChoice, SolverChoice
from fieldcast.simulators.acoustics.placement import Bowl, grid_around
from fieldcast.simulators.acoustics.random_bowl import RandomBowl
from fieldcast.simulators.acoustics.random_placement import AimedPlacement, RandomPlacement
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.tissue import AubryPorosity, KPlan, MarsacMueller, McDannold, UniformBone

Mapping = MarsacMueller | AubryPorosity | KPlan | McDannold | UniformBone


@dataclass(frozen=True)
class UltrasoundRecipe:
    """Heads, each sonicated from places on its scalp.

    A scene is made from its number alone. Splits share no subject: a synthetic head is in one scene only, an image in
    every n-th.

    **Arguments:**

    - `num_scenes`: scenes in all three splits together; more can be asked for later, the first ones stay the same.
    - `seed`: of heads, transducers and placements.
    - `bowl`: the transducer, or a family of them.
    - `shape`, `spacing` [m]: of each scene's grid.
    - `heads`: synthetic ones, or CT images.
    - `placement`: where on the scalp, and aimed at what.
    - `mapping`: how CT numbers become acoustic properties.
    - `solver`: what computes the fields.
    - `num_valid`, `num_test`: of every `split_period` subjects, how many are kept for validation and test.
    """

    num_scenes: int = 40
    seed: int = 0
    bowl: Bowl | RandomBowl = Bowl(
        radius_of_curvature=30e-3, aperture_diameter=26e-3, frequency=375e3, surface_pressure=100e3
    )
    shape: tuple[int, ...] = (48, 48, 48)
    spacing: float = 1e-3
    heads: PhantomHeads | ImageHeads = PhantomHeads()
    placement: RandomPlacement | AimedPlacement = RandomPlacement()
    mapping: Mapping = MarsacMueller()
    solver: SolverChoice = KWaveChoice()
    num_valid: int = 1
    num_test: int = 2
    split_period: int = 10

    def split(self, index: int) -> str:
        """The split of scene `index`: that of its subject; it does not depend on `num_scenes`."""
        place = self.heads.subject(index) % self.split_period
        if place < self.num_test:
            return "test"
        return "valid" if place < self.num_test + self.num_valid else "train"

    def scene(self, index: int) -> Scene:
        """Scene number `index`."""
        generator = np.random.default_rng([self.seed, index])
        head = self.heads.head(index, self.spacing, generator)
        bowl = self.bowl.draw(generator) if isinstance(self.bowl, RandomBowl) else self.bowl
        transducer = self.placement(head, generator, bowl).transducer(bowl)
        grid = grid_around(transducer, self.shape, self.spacing)
        return scene_from_head(head.on(grid), transducer, self.mapping)

    def settings(self) -> dict[str, Any]:
        """All that decides what scene `index` is.

        Kinds of heads, bowls, placements and mappings that were not there from the first name themselves, those that
        were do not: a dataset keeps its identity when the recipe learns new things.
        """
        kept = ("seed", "shape", "spacing", "num_valid", "num_test", "split_period")
        settings = {name: getattr(self, name) for name in kept} | self.heads.identity()
        for name, first in (("bowl", Bowl), ("placement", RandomPlacement)):
            value = getattr(self, name)
            settings[name] = asdict(value) if type(value) is first else to_plain(value)
        mapping = self.mapping.settings()
        if mapping != MarsacMueller().settings():
            settings["mapping"] = mapping
        return settings
