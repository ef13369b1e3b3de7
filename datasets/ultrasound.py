"""Recipes of transcranial ultrasound datasets."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from tyro.conf import subcommand

from fieldcast.datasets.engine.plain import to_plain
from fieldcast.datasets.heads import ImageHeads, PhantomHeads
from fieldcast.datasets.solvers import BornChoice, KSpaceChoice, KWaveChoice
from fieldcast.simulators.acoustics.placement import Bowl, grid_around
from fieldcast.simulators.acoustics.random_bowl import RandomBowl
from fieldcast.simulators.acoustics.random_placement import AimedPlacement, RandomPlacement
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.tissue import AubryPorosity, KPlan, MarsacMueller, McDannold, UniformBone

# What each choice is called on the command line, in a line.
Transducer = (
    Annotated[Bowl, subcommand("single", description="One focused bowl.")]
    | Annotated[RandomBowl, subcommand("family", description="A focused bowl drawn for each scene.")]
)
Heads = (
    Annotated[PhantomHeads, subcommand("phantoms", description="Synthetic heads, a new one for each scene.")]
    | Annotated[ImageHeads, subcommand("images", description="CT images, NIfTI or DICOM, one a subject.")]
)
Place = (
    Annotated[RandomPlacement, subcommand("random", description="Anywhere over the upper part of the head.")]
    | Annotated[AimedPlacement, subcommand("aimed", description="With the focus on one of the given targets.")]
)
Mapping = (
    Annotated[MarsacMueller, subcommand("marsac-mueller", description="Linear in the CT number.")]
    | Annotated[AubryPorosity, subcommand("aubry-porosity", description="Linear in porosity.")]
    | Annotated[KPlan, subcommand("k-plan", description="A calibration curve; sound speed linear in density.")]
    | Annotated[McDannold, subcommand("mcdannold", description="Polynomials of density, fitted to treatments.")]
    | Annotated[UniformBone, subcommand("uniform-bone", description="One bone for the whole skull.")]
)
Solver = (
    Annotated[KWaveChoice, subcommand("kwave", description="k-Wave's time stepping, its Python backend.")]
    | Annotated[KSpaceChoice, subcommand("kspace", description="The same scheme in JAX, for CPU and GPU.")]
    | Annotated[BornChoice, subcommand("born", description="The steady state without time steps, in JAX.")]
)


@dataclass(frozen=True)
class UltrasoundRecipe:
    """Heads, each sonicated from places on its scalp.

    A scene is made from its number alone. Splits share no subject: a synthetic head is in one scene only, an image in
    every n-th.
    """

    num_scenes: int = 40
    """In all three splits together; more can be asked for later, the first ones stay the same."""

    seed: int = 0
    """Of heads, transducers and placements."""

    bowl: Transducer = Bowl(radius_of_curvature=30e-3, aperture_diameter=26e-3, frequency=375e3, surface_pressure=100e3)
    """The transducer, or a family of them."""

    shape: tuple[int, ...] = (48, 48, 48)
    """Points of each scene's grid."""

    spacing: float = 1e-3
    """Of the grid [m]."""

    heads: Heads = PhantomHeads()
    """Synthetic ones, or CT images."""

    placement: Place = RandomPlacement()
    """Where on the scalp, and aimed at what."""

    mapping: Mapping = MarsacMueller()
    """How CT numbers become acoustic properties."""

    solver: Solver = KWaveChoice()
    """What computes the fields."""

    num_valid: int = 1
    """How many of every `split_period` subjects are kept for validation."""

    num_test: int = 2
    """How many of every `split_period` subjects are kept for the test."""

    split_period: int = 10
    """Subjects after which the splits repeat."""

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
