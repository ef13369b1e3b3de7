"""`fieldcast generate`: simulate a dataset."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import jax
import tyro

from fieldcast.datasets.generation import ScenePlan
from fieldcast.datasets.trajectories import trajectory_plan
from fieldcast.datasets.trajectory_recipe import TrajectoryRecipe
from fieldcast.datasets.turbulence import RECIPES
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.scripts.deferred import choice_of
from fieldcast.scripts.running import Running


def ultrasound(
    root: Path = Path("data/ultrasound"),
    num_scenes: int | None = None,
    recipe: UltrasoundRecipe = UltrasoundRecipe(),
    running: Annotated[Running, tyro.conf.arg(name="")] = Running(workers=2),
) -> None:
    """Simulate transcranial ultrasound scenes into a folder of HDF5 files. Run again to resume.

    Args:
        root: Folder of the dataset.
        num_scenes: In all splits together; the same as --recipe.num-scenes.
        recipe: What is simulated.
        running: How it is simulated.
    """
    if num_scenes is not None:
        recipe = replace(recipe, num_scenes=num_scenes)
    running.prepare()
    generate_ultrasound(root, recipe, running)


def generate_ultrasound(root: Path, recipe: UltrasoundRecipe, running: Running) -> None:
    """Generate with one thread a worker, or with all cores when there is one worker; report on it."""
    running.run(ScenePlan(recipe, recipe.solver.solver(threads=None if running.alone else 1)), root)


def generate_flow(root: Path, recipe: TrajectoryRecipe, running: Running) -> None:
    """Generate in the precision that the recipe needs; report on it."""
    if recipe.needs_double_precision:
        jax.config.update("jax_enable_x64", True)
    running.run(trajectory_plan(recipe), root)


def _flow(default: TrajectoryRecipe) -> Callable[..., None]:
    def command(
        root: Path = Path("data") / default.name,
        num_trajectories: int | None = None,
        recipe: type(default) = default,
        running: Annotated[Running, tyro.conf.arg(name="")] = Running(),
    ) -> None:
        if num_trajectories is not None:
            recipe = replace(recipe, num_trajectories=num_trajectories)
        running.prepare()
        generate_flow(root, recipe, running)

    summary = type(default).__doc__.split("\n\n")[0]
    command.__doc__ = f"""{summary} Run again to resume.

    Args:
        root: Folder of the dataset.
        num_trajectories: In all splits together; the same as --recipe.num-trajectories.
        recipe: What is simulated.
        running: How it is simulated.
    """
    return command


Dataset = choice_of({"ultrasound": ultrasound, **{name: _flow(recipe) for name, recipe in RECIPES.items()}})
"""The choice of a dataset."""


def generate(dataset: Annotated[Dataset, tyro.conf.arg(name="")]) -> None:
    """Simulate a dataset."""
    dataset()
