"""Making a dataset of scenes: a recipe names them, a solver finds their fields."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import equinox as eqx

from fieldcast.datasets.engine import Executor, GenerationReport, InProcess, sample_path
from fieldcast.datasets.engine.plain import to_plain
from fieldcast.datasets.provenance import read_provenance
from fieldcast.datasets.scene_file import SceneRecord, write_scene
from fieldcast.datasets.simulate import simulate
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver


@runtime_checkable
class Recipe(Protocol):
    """What a dataset is made of: a frozen dataclass that names every scene by its index."""

    num_scenes: int

    def scene(self, index: int) -> Scene: ...

    def split(self, index: int) -> str: ...

    def settings(self) -> dict[str, Any]: ...


def generate(recipe: Recipe, solver: FieldSolver, root: Path, executor: Executor = InProcess()) -> GenerationReport:
    """Simulate every scene of `recipe` that `root` does not hold yet.

    **Arguments:**

    - `recipe`: names the scenes.
    - `solver`: solves them.
    - `root`, `executor`: as `carry_out` has them.

    **Raises:** `ValueError` when `root` holds a dataset of another recipe or solver.
    """
    return simulate(ScenePlan(recipe, solver), root, executor)


def scene_path(root: Path, recipe: Recipe, index: int) -> Path:
    """Where scene `index` lives: `root/data/<split>/scene_<index>.h5`."""
    return sample_path(root, recipe.split(index), "scene", index)


@dataclass(frozen=True)
class ScenePlan:
    """Scenes of a recipe with their fields by a solver."""

    recipe: Recipe
    solver: FieldSolver

    sample_name: ClassVar[str] = "scene"

    @property
    def num_samples(self) -> int:
        return self.recipe.num_scenes

    def settings(self) -> dict[str, Any]:
        # The first datasets were k-Wave's, and did not name it.
        solver = _described(self.solver)
        return self.recipe.settings() | ({} if solver == _described(KWave()) else {"solver": solver})

    def record(self) -> dict[str, Any]:
        return {
            "recipe": type(self.recipe).__name__,
            "settings": self.recipe.settings(),
            "solver": _described(self.solver),
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
        return read_provenance(path, "scene")


_HOW_IT_RUNS = ("workers", "progress")
"""Settings of a solver that do not change what it finds."""


def _described(solver: FieldSolver) -> Any:
    try:
        plain = to_plain(solver)
    except TypeError:  # it holds arrays
        return eqx.tree_pformat(solver, short_arrays=False)
    return {name: value for name, value in plain.items() if name not in _HOW_IT_RUNS}
