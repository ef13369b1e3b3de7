"""`fieldcast generate`: simulate a dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Union

import jax
import tyro

from fieldcast.datasets import generation
from fieldcast.datasets.engine import GenerationReport
from fieldcast.datasets.trajectories import generate_trajectories
from fieldcast.datasets.trajectory_recipe import TrajectoryRecipe
from fieldcast.datasets.turbulence import RECIPES
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.simulators.acoustics.kwave import KWave


def generate_ultrasound(root: Path, recipe: UltrasoundRecipe = UltrasoundRecipe(), workers: int = 2) -> None:
    """Simulate transcranial ultrasound scenes with k-Wave into a folder of HDF5 files; run again to resume.

    Args:
        root: Folder of the dataset.
        recipe: What is simulated.
        workers: Processes that simulate side by side.
    """
    run_generation(root, recipe, workers)


def run_generation(root: Path, recipe: UltrasoundRecipe, workers: int) -> GenerationReport:
    """Generate with one FFT thread a worker, or with all cores when there is one worker; report on it."""
    solver = KWave(workers=1 if workers > 1 else None, progress=False)
    return _reported(generation.generate(recipe, solver, root, workers), root, "scenes")


def _reported(report: GenerationReport, root: Path, samples: str) -> GenerationReport:
    print(f"{root}: {report.written} {samples} simulated in {report.seconds:.0f} s, {report.found} were there already.")
    if report.failures:
        tried, reason = report.written + len(report.failures), next(iter(report.failures.values()))
        raise ValueError(f"{len(report.failures)} of {tried} {samples} failed; the first says: {reason}")
    return report


def _command(default: TrajectoryRecipe) -> Callable[..., None]:
    def command(root: Path, recipe: type(default) = default, workers: int = 1) -> None:
        if recipe.needs_double_precision:
            jax.config.update("jax_enable_x64", True)
        _reported(generate_trajectories(recipe, root, workers), root, "trajectories")

    summary = type(default).__doc__.split("\n\n")[0]
    command.__doc__ = f"""{summary} Run again to resume.

    Args:
        root: Folder of the dataset.
        recipe: What is simulated.
        workers: Processes that simulate side by side; one uses all cores, or the accelerator.
    """
    return command


_COMMANDS = {"ultrasound": generate_ultrasound, **{name: _command(recipe) for name, recipe in RECIPES.items()}}

Dataset = Union[  # noqa: UP007
    tuple(Annotated[Any, tyro.conf.subcommand(name, constructor=run)] for name, run in _COMMANDS.items())
]
"""The choice of a dataset; tyro runs what is chosen."""


def generate(dataset: Annotated[Dataset, tyro.conf.arg(name="")]) -> None:
    """Simulate a dataset."""
