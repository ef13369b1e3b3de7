"""Making a dataset of trajectories: what a recipe names is simulated and written, snapshot by snapshot."""

import dataclasses
import math
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from tqdm import tqdm

from fieldcast.datasets.engine import Executor, GenerationReport, InProcess, sample_path
from fieldcast.datasets.provenance import read_provenance
from fieldcast.datasets.reduction import Reduction
from fieldcast.datasets.simulate import simulate
from fieldcast.datasets.trajectory_file import TrajectoryHeader, new_trajectory
from fieldcast.datasets.trajectory_recipe import TrajectoryRecipe
from fieldcast.simulators.stepper import FlowGrid, FlowSolver, State, Stepper


def generate_trajectories(recipe: TrajectoryRecipe, root: Path, executor: Executor = InProcess()) -> GenerationReport:
    """Simulate every trajectory of `recipe` that `root` does not hold yet.

    **Arguments:** `recipe`; `root` and `executor` as `carry_out` has them.

    **Raises:** `ValueError` when `root` holds a dataset of another recipe, and as `trajectory_plan` does.
    """
    return simulate(trajectory_plan(recipe), root, executor)


def trajectory_plan(recipe: TrajectoryRecipe) -> "TrajectoryPlan":
    """The plan of a recipe, once it is known to make sense.

    **Raises:** `ValueError` when the recipe's settings do not go together, or when it needs double precision and JAX
    computes in single.
    """
    if recipe.needs_double_precision and not jax.config.jax_enable_x64:
        raise ValueError(
            f"The recipe {recipe.name} needs double precision, and JAX computes in single: call "
            'jax.config.update("jax_enable_x64", True) before anything else.'
        )
    # What is wrong with one trajectory for lack of sense is wrong with all: better said once, and before any work.
    flow = recipe.flow(0)
    _header(recipe, flow, recipe.reduction(flow), {})
    _transient(recipe, flow, recipe.stepper(flow, recipe.interval))
    eqx.filter_eval_shape(recipe.start, flow, recipe.key(0))
    return TrajectoryPlan(recipe)


def trajectory_path(root: Path, recipe: TrajectoryRecipe, index: int) -> Path:
    """Where trajectory `index` lives: `root/data/<split>/trajectory_<index>.h5`."""
    return sample_path(root, recipe.splits(index), TrajectoryPlan.sample_name, index)


@dataclass(frozen=True)
class TrajectoryPlan:
    """The trajectories of a recipe."""

    recipe: TrajectoryRecipe

    sample_name: ClassVar[str] = "trajectory"

    @property
    def num_samples(self) -> int:
        return self.recipe.num_trajectories

    def settings(self) -> dict[str, Any]:
        return _settings(self.recipe)

    def record(self) -> dict[str, Any]:
        return _settings(self.recipe)

    def split(self, index: int) -> str:
        return self.recipe.splits(index)

    def make(self, index: int, path: Path, provenance: dict[str, Any], progress: bool) -> None:
        recipe, flow = self.recipe, self.recipe.flow(index)
        reduction = recipe.reduction(flow)
        header = _header(recipe, flow, reduction, provenance)
        stride = recipe.stepper(flow, recipe.interval)
        with (
            new_trajectory(path, header) as writer,
            tqdm(
                total=recipe.first_time + (recipe.num_snapshots - 1) * recipe.interval,
                desc=f"trajectory {index}",
                bar_format="{l_bar}{bar}| time {n:.4g}/{total:.4g} [{elapsed}<{remaining}]",
                leave=False,
                disable=not progress,
            ) as bar,
        ):
            state = _started(recipe, flow, recipe.key(index))
            for step in _transient(recipe, flow, stride):
                state = _stepped(step, state)
                bar.update(step.dt)
            writer.append(np.asarray(_reduced(reduction, flow, state)))
            for _ in range(recipe.num_snapshots - 1):
                state = _stepped(stride, state)
                writer.append(np.asarray(_reduced(reduction, flow, state)))
                bar.update(stride.dt)

    def provenance(self, path: Path) -> dict[str, Any]:
        return read_provenance(path, "trajectory")


def _settings(recipe: TrajectoryRecipe) -> dict[str, Any]:
    """What decides a trajectory; how many are asked for does not."""
    settings = dataclasses.asdict(recipe)
    del settings["num_trajectories"]
    return {"recipe": recipe.name, "settings": settings, "double_precision": bool(jax.config.jax_enable_x64)}


def _transient(recipe: TrajectoryRecipe, flow: FlowSolver, stride: Stepper) -> list[Stepper]:
    """Strides up to the first snapshot: of one interval each, after a shorter one where that leaves a rest."""
    number = math.floor(recipe.first_time / recipe.interval * (1.0 + 1e-9))
    rest = recipe.first_time - number * recipe.interval
    shorter = [] if rest <= 1e-9 * recipe.first_time else [recipe.stepper(flow, rest)]
    return shorter + [stride] * number


def _header(
    recipe: TrajectoryRecipe, flow: FlowSolver, reduction: Reduction, provenance: dict[str, Any]
) -> TrajectoryHeader:
    names = flow.grid.axis_names
    return TrajectoryHeader(
        name=recipe.name,
        times=recipe.first_time + recipe.interval * np.arange(recipe.num_snapshots),
        axes=dict(zip(names, reduction.axes(flow.grid), strict=True)),
        boundary_types=_boundary_types(flow.grid),
        components=flow.components,
        parameters=recipe.parameters(flow),
        scales=recipe.scales,
        units=recipe.units,
        provenance={
            **provenance,
            **_settings(recipe),
            "flow": eqx.tree_pformat(flow, short_arrays=False),
            "device": jax.devices()[0].device_kind,
            "versions": {package: version(package) for package in ("fieldcast", "jax", "diffrax", "numpy")},
        },
        grid_type="spherical" if "latitude" in names else "cartesian",
    )


def _boundary_types(grid: FlowGrid) -> tuple[str, ...]:
    """A grid ends at the poles of a sphere, where the sphere has no boundary; every other end is a wall."""
    ends = ("OPEN" if name == "latitude" else "WALL" for name in grid.axis_names)
    return tuple("PERIODIC" if periodic else end for periodic, end in zip(grid.periodic, ends, strict=True))


@eqx.filter_jit
def _started(recipe: TrajectoryRecipe, flow: FlowSolver, key: PRNGKeyArray) -> State:
    return recipe.start(flow, key)


@eqx.filter_jit
def _stepped(step: Stepper, state: State) -> State:
    return step(state)


@eqx.filter_jit
def _reduced(reduction: Reduction, flow: FlowSolver, state: State) -> Float[Array, "channel *space"]:
    return reduction(flow, state)
