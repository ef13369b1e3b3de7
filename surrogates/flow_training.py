"""From a folder of trajectories to a learned stepper in a run folder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np

from fieldcast.datasets.batches import Batches, mixed_batches, shuffled_batches
from fieldcast.datasets.trajectory_file import trajectory_header
from fieldcast.datasets.windows import TrajectoryWindows, trajectory_paths
from fieldcast.surrogates.flow_domain import FlowDomain
from fieldcast.surrogates.learned_stepper import (
    LearnedStepper,
    StepperRecipe,
    build_stepper,
    load_stepper,
    save_stepper,
)
from fieldcast.surrogates.training.claim import claim_run
from fieldcast.surrogates.training.figures import save_learning_curve
from fieldcast.surrogates.training.objectives import StepperObjective
from fieldcast.surrogates.training.placement import Placement
from fieldcast.surrogates.training.recipe import TrainingRecipe
from fieldcast.surrogates.training.trainer import fit
from fieldcast.surrogates.wrappers import ChannelStatistics


@dataclass(frozen=True)
class FlowData:
    """Trajectories to learn from.

    - `roots`: folders of generated datasets of one flow, which may differ in resolution; batches come from each in
      turn, and the first one's statistics normalise them all.
    - `stride`: use every so many-th snapshot, for longer steps.
    - `in_memory`: whether all of it is read at the start.
    """

    roots: tuple[Path, ...]
    stride: int = 1
    in_memory: bool = True

    def windows(self, root: Path, split: str, length: int) -> TrajectoryWindows:
        """Windows of one dataset's split."""
        windows = TrajectoryWindows(trajectory_paths(root, split), length, self.stride)
        return windows.in_memory() if self.in_memory else windows

    def domain(self) -> FlowDomain:
        """Of the first dataset."""
        return FlowDomain.of(trajectory_header(trajectory_paths(self.roots[0], "train")[0]), self.stride)

    def batches(self, length: int, recipe: TrainingRecipe) -> Batches:
        """Shuffled windows of all datasets, this process's part of them."""
        hosts = {"host_index": jax.process_index(), "num_hosts": jax.process_count()}
        threads = 0 if self.in_memory else 2
        sets = [
            shuffled_batches(
                self.windows(root, "train", length), recipe.batch_size, recipe.seed, num_threads=threads, **hosts
            )
            for root in self.roots
        ]
        return sets[0] if len(sets) == 1 else mixed_batches(sets)


def train_stepper(
    data: FlowData,
    recipe: StepperRecipe,
    objective: StepperObjective,
    training: TrainingRecipe,
    run: Path,
    *,
    validation_steps: int = 1,
    placement: Placement = Placement(),
    tensorboard: bool = False,
) -> LearnedStepper:
    """Train an operator to step a flow, and leave the one that is best on the validation trajectories in `run`.

    The run folder receives `recipe.json`, `metrics.jsonl`, `checkpoints/` and `stepper.ckpt`, which `load_stepper`
    reads. Call it again to go on after an interruption.

    **Arguments:**

    - `data`, `recipe`, `objective`, `training`, `run`.
    - `validation_steps`: length of the rollouts whose mean relative L2 error decides which weights are best.
    - `placement`, `tensorboard`: as for `fit`.

    **Raises:** what `fit` raises; `ValueError` when the run folder holds another recipe's run, or data are missing or
    of different components or intervals.
    """
    domain = data.domain()
    settings = {
        "data": asdict(data),
        "stepper": recipe.to_json(),
        "objective": repr(objective),
        "training": asdict(training) | {"schedule": repr(training.schedule)},
        "validation_steps": validation_steps,
    }
    make = eqx.filter_jit(lambda key: build_stepper(recipe, domain, statistics, change, key=key))
    valid = [data.windows(root, "valid", recipe.history + validation_steps) for root in data.roots]
    for windows in valid:
        _require_alike(valid[0], windows)
    claim_run(run, settings)
    statistics, change = field_statistics(data.windows(data.roots[0], "train", 2))
    fit(
        # Drawn by a generator that compiles in a fraction of the time that the default one takes for many layers.
        make(jrandom.key(training.seed, impl="rbg")),
        objective,
        data.batches(objective.window(recipe.history), training),
        lambda stepper: {"valid_relative_l2": rollout_error(stepper, valid, validation_steps)},
        training,
        run,
        on_improvement=lambda stepper: save_stepper(run, stepper, change),
        placement=placement,
        tensorboard=tensorboard,
    )
    save_learning_curve(run)
    return load_stepper(run)


def field_statistics(windows: TrajectoryWindows) -> tuple[ChannelStatistics, ChannelStatistics]:
    """Mean and standard deviation of every channel, of the fields and of their change over windows of two snapshots."""
    count, sums = 0, 0.0
    for index in range(len(windows)):
        pair = windows[index].astype(np.float64)
        values = np.stack([pair[1], pair[1] - pair[0]]).reshape(2, pair.shape[1], -1)
        count += values.shape[-1]
        sums = sums + np.stack([values.sum(axis=-1), (values**2).sum(axis=-1)])
    mean, square = sums / count
    # A channel that never changes is left as it is.
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
    deviation = np.where(deviation > 1e-7 * np.sqrt(square) + 1e-30, deviation, 1.0)
    return tuple(ChannelStatistics(tuple(m.tolist()), tuple(d.tolist())) for m, d in zip(mean, deviation, strict=True))


def rollout_error(stepper: LearnedStepper, windows: Sequence[TrajectoryWindows], num_steps: int) -> float:
    """Mean relative L2 error over `num_steps` steps, of every window of every set."""
    errors = []
    for source in windows:
        every = max(1, len(source) // 64)
        for index in range(0, len(source), every):
            frames = jnp.asarray(source[index])
            errors.append(_window_error(stepper, frames, num_steps))
    return float(np.mean(errors))


@eqx.filter_jit
def _window_error(stepper: LearnedStepper, frames: jax.Array, num_steps: int) -> jax.Array:
    def advance(state, truth):
        state = stepper(state)
        difference = stepper.decode(state) - truth
        return state, jnp.linalg.norm(difference.ravel()) / jnp.linalg.norm(truth.ravel())

    _, errors = jax.lax.scan(advance, stepper.start(frames[: stepper.history]), frames[stepper.history :], num_steps)
    return jnp.mean(errors)


def _require_alike(first: TrajectoryWindows, other: TrajectoryWindows) -> None:
    """Refuse two datasets between which a stepper cannot tell."""
    same_interval = np.isclose(other.interval, first.interval, rtol=1e-3, atol=0.0)
    if other.components != first.components or not same_interval:
        raise ValueError(
            f"All datasets must hold the components {first.components} at intervals of {first.interval:g}; that of "
            f"{other.paths[0]} holds {other.components} at intervals of {other.interval:g}."
        )
