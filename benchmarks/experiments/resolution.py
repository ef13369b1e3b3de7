"""Function-space forms and plain networks on grids that they were not trained on.

`python benchmarks/experiments/resolution.py [--quick | --gpu]` makes the data, trains what is not trained yet on one
grid and on several, and measures the relative L2 error of one step on coarser and finer grids, of the models as they
are and, for the plain ones, with fields that are resampled to the grid of the training and back. The claim of Berner et
al. 2025, arXiv:2506.10973, is tested by the rules of `resolution_claim`. `--table` prints the stored results as
Markdown.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from experiment import RUNS, Result, mean_and_spread
from jaxtyping import Array, Float
from report import RESULTS
from resolution_claim import CLAIM, ONE, PLAIN, SEVERAL, holds, judged
from resolution_figures import draw, markdown_table
from resolution_sizes import CPU, GPU, QUICK, Size
from side_by_side import side_by_side

from fieldcast.datasets.engine import InProcess, LocalProcesses
from fieldcast.datasets.trajectories import generate_trajectories
from fieldcast.datasets.windows import TrajectoryWindows, trajectory_paths
from fieldcast.simulators.flows.resampling import FourierResampling
from fieldcast.surrogates.flow_training import FlowData, train_stepper
from fieldcast.surrogates.layers.resample import fourier_resample, linear_resample
from fieldcast.surrogates.learned_stepper import LearnedStepper, StepperRecipe
from fieldcast.surrogates.losses import RelativeL2
from fieldcast.surrogates.operators import InterpolatedUNet, UNet
from fieldcast.surrogates.training.objectives import Unrolled
from fieldcast.surrogates.wrappers import Model, OnGrid

STORED = RESULTS / "experiment_resolution.json"
Pairs = Float[np.ndarray, "window 2 channel *space"]


@dataclass(frozen=True)
class Task:
    """A model, trained on `ONE` grid or on `SEVERAL`, from all seeds."""

    model: str
    trained: str
    size: Size


def measured(task: Task) -> dict[str, object]:
    """Train, and measure the errors on all grids: by variant of the model, by grid, by seed."""
    size, runs = task.size, [_run(task, seed) for seed in task.size.seeds]
    steppers = [_trained(task, seed, run) for seed, run in zip(size.seeds, runs, strict=True)]
    pairs = test_pairs(size)
    variants = [_variants(task, stepper) for stepper in steppers]
    errors = {name: {n: [error(each[name], pairs[n]) for each in variants] for n in pairs} for name in variants[0]}
    parameters = jax.tree.leaves(eqx.filter(steppers[0], eqx.is_inexact_array))
    lines = [(run / "metrics.jsonl").read_text().splitlines()[-1] for run in runs]
    return {
        "errors": {name: {n: mean_and_spread(same) for n, same in each.items()} for name, each in errors.items()},
        "parameters": sum(leaf.size for leaf in parameters),
        "training_seconds": float(np.mean([json.loads(line)["seconds"] for line in lines])),
    }


def _trained(task: Task, seed: int, run: Path) -> LearnedStepper:
    size = task.size
    # The grid of the training on one is the reference of the training on several too.
    others = sorted(set(size.train_grids) - {size.train_points}) if task.trained == SEVERAL else []
    data = FlowData(tuple(data_of(size, n) for n in (size.train_points, *others)))
    operator = (size.several if task.trained == SEVERAL else size.one)[task.model]
    training = replace(size.training, seed=seed)
    return train_stepper(data, StepperRecipe(operator), Unrolled(RelativeL2()), training, run)


def _variants(task: Task, stepper: LearnedStepper) -> dict[str, Model]:
    """The ways to use a model on another grid, by name."""
    step = eqx.filter_jit(stepper)
    if task.trained == SEVERAL or task.model not in PLAIN:
        return {task.model: step}
    grid = (task.size.train_points,) * 2
    variants = {
        task.model: step,
        f"{task.model}, Fourier in and out": OnGrid(step, grid, fourier_resample),
        f"{task.model}, linear in and out": OnGrid(step, grid, _linear),
    }
    if task.model == "U-Net":
        variants["U-Net, interpolated"] = eqx.filter_jit(_interpolated(stepper, grid[0]))
    return variants


def _interpolated(stepper: LearnedStepper, points: int) -> LearnedStepper:
    """With the same weights, in kernels that follow the grid."""
    return jax.tree.map(
        lambda node: InterpolatedUNet(node, points) if isinstance(node, UNet) else node,
        stepper,
        is_leaf=lambda node: isinstance(node, UNet),
    )


def _linear(x: Float[Array, "channel *space"], shape: tuple[int, ...]) -> Float[Array, "channel *other"]:
    return linear_resample(x, shape, (True,) * len(shape))


def error(step: Model, pairs: Pairs) -> float:
    """Mean relative L2 error of one step."""
    return float(np.mean([RelativeL2()(step(jnp.asarray(u)), jnp.asarray(after)) for u, after in pairs]))


def test_pairs(size: Size) -> dict[int, Pairs]:
    """The same pairs of snapshots on every grid, filtered sharply on coarse ones, with no more waves on fine ones."""

    def kept(n: int) -> Pairs:
        windows = TrajectoryWindows(trajectory_paths(data_of(size, n), "test"), 2)
        places = np.linspace(0, len(windows) - 1, size.num_windows).astype(int)
        return np.stack([windows[int(place)] for place in places])

    finest = kept(max(size.train_grids))
    return {
        n: kept(n) if n in size.train_grids else np.asarray(FourierResampling((n, n))(jnp.asarray(finest)))
        for n in size.test_grids
    }


def beyond(size: Size) -> dict[int, float]:
    """Relative L2 norm of the waves that a coarser grid than the finest one of the data does not hold."""
    pairs, finest = test_pairs(size), max(size.train_grids)
    mean_square = {n: np.mean(pairs[n] ** 2) for n in pairs if n <= finest}
    return {n: float(np.sqrt(max(0.0, 1.0 - each / mean_square[finest]))) for n, each in mean_square.items()}


def data_of(size: Size, num_points: int) -> Path:
    return RUNS / f"kolmogorov-{size.name}" / str(num_points)


def _run(task: Task, seed: int) -> Path:
    name = f"{task.model} {task.trained} {seed}".lower().replace(", ", "-").replace(" ", "-")
    return RUNS / f"resolution-{task.size.name}" / name


def main(quick: bool = False, gpu: bool = False, table: bool = False) -> None:
    """Run the experiment.

    Args:
        quick: In minutes; prints one line and stores nothing.
        gpu: At the published sizes.
        table: Print the stored results as Markdown, and do nothing else.
    """
    if table:
        print(markdown_table(json.loads(STORED.read_text())))
        return
    size = QUICK if quick else GPU if gpu else CPU
    start = time.perf_counter()
    executor = InProcess() if size.num_workers == 1 else LocalProcesses(size.num_workers)
    for n in size.train_grids:  # the same simulations, each time kept on another grid
        generate_trajectories(replace(size.data, kept_points=n), data_of(size, n), executor)
    generated = time.perf_counter()
    tasks = [Task(m, SEVERAL, size) for m in size.several] + [Task(m, ONE, size) for m in size.one]
    outcomes = side_by_side(measured, tasks, size.num_workers)
    seconds = {"data": generated - start, "training and evaluation": time.perf_counter() - generated}
    result(size, tasks, outcomes, seconds).report(size.name, store=not quick)
    if not quick:
        stored = json.loads(STORED.read_text())
        draw(STORED.with_suffix(".png"), stored)
        print(markdown_table(stored))


def result(size: Size, tasks: Sequence[Task], outcomes: Sequence[dict], seconds: dict[str, float]) -> Result:
    """All errors, judged."""
    errors = {ONE: {}, SEVERAL: {}}
    for task, outcome in zip(tasks, outcomes, strict=True):
        errors[task.trained] |= outcome["errors"]
    verdicts = judged(errors[ONE], errors[SEVERAL], size.train_points)
    costs = {
        f"{task.model}, {task.trained}": {name: outcome[name] for name in ("parameters", "training_seconds")}
        for task, outcome in zip(tasks, outcomes, strict=True)
    }
    return Result(
        experiment="resolution",
        claim=CLAIM,
        claim_holds=holds(verdicts),
        errors={f"{model}, {trained}": each for trained, models in errors.items() for model, each in models.items()},
        seconds=seconds,
        seeds=size.seeds,
        details={
            "verdicts": verdicts,
            "by_training": errors,
            "persistence": {n: error(lambda u: u, pairs) for n, pairs in test_pairs(size).items()},
            "beyond_the_grid": beyond(size),
            "costs": costs,
            "train_points": size.train_points,
            "train_grids": size.train_grids,
            "training": asdict(size.training) | {"schedule": repr(size.training.schedule)},
        },
    )


if __name__ == "__main__":
    tyro.cli(main)
