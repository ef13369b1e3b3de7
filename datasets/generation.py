"""Making a dataset of scenes: a recipe names them, a solver finds their fields."""

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import equinox as eqx

from fieldcast.datasets.engine import GenerationReport, carry_out, sample_path, settings_hash
from fieldcast.datasets.scene_file import SceneRecord, read_scene, write_scene
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver


@runtime_checkable
class Recipe(Protocol):
    """What a dataset is made of: a frozen dataclass that names every scene by its index."""

    num_scenes: int

    def scene(self, index: int) -> Scene: ...

    def split(self, index: int) -> str: ...


def generate(recipe: Recipe, solver: FieldSolver, root: Path, num_workers: int = 1) -> GenerationReport:
    """Simulate every scene of `recipe` that `root` does not hold yet.

    **Arguments:**

    - `recipe`: names the scenes.
    - `solver`: solves them.
    - `root`, `num_workers`: as `carry_out` has them.

    **Raises:** `ValueError` when `root` holds a dataset of another recipe.
    """
    return carry_out(ScenePlan(recipe, solver), root, num_workers)


def recipe_hash(recipe: Recipe) -> str:
    """Sixteen hexadecimal digits that name the recipe's settings, apart from how many scenes are asked for."""
    return settings_hash(_settings(recipe))


def scene_path(root: Path, recipe: Recipe, index: int) -> Path:
    """Where scene `index` lives: `root/data/<split>/scene_<index>.h5`."""
    return sample_path(root, recipe.split(index), "scene", index)


@dataclass(frozen=True)
class ScenePlan:
    """Scenes of a recipe with their fields by a solver. The solver is recorded, but the recipe alone names the data."""

    recipe: Recipe
    solver: FieldSolver

    sample_name: ClassVar[str] = "scene"

    @property
    def num_samples(self) -> int:
        return self.recipe.num_scenes

    def settings(self) -> dict[str, Any]:
        return _settings(self.recipe)

    def record(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "recipe": type(recipe).__name__,
            "settings": dataclasses.asdict(recipe),
            "solver": repr(self.solver),
        }

    def split(self, index: int) -> str:
        return self.recipe.split(index)

    def make(self, index: int, path: Path, provenance: dict[str, Any], progress: bool) -> None:
        start = time.perf_counter()
        scene = self.recipe.scene(index)
        pressure = self.solver(scene)
        provenance |= {"solver": eqx.tree_pformat(self.solver), "seconds": time.perf_counter() - start}
        write_scene(path, SceneRecord(scene, pressure, provenance))

    def provenance(self, path: Path) -> dict[str, Any]:
        return read_scene(path).provenance


def _settings(recipe: Recipe) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(recipe).items() if name != "num_scenes"}
