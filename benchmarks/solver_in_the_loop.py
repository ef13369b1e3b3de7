"""A network that corrects a coarse solver, trained inside of the solver's loop: a worked example.

    python benchmarks/solver_in_the_loop.py [--quick]

Turbulence in a plane is simulated on a fine grid and filtered to a coarse one. On the coarse grid four steppers follow
it: the solver alone; the solver with a correction by a small network that learned from single steps; the same with one
that learned through several steps of the corrected solver; and the same network without a solver. They are compared by
the error of their rollouts from unseen states, and by the time until the correlation with the truth falls below 0.9.
Writes `docs/results/solver_in_the_loop.json` and a figure, unless `--quick`. Data and trained networks stay under
`runs/solver_in_the_loop`; what is there is not made again.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
import tyro
from matplotlib.figure import Figure
from report import RESULTS, provenance, publish

from fieldcast.datasets.batches import shuffled_batches
from fieldcast.datasets.periodic import KolmogorovRecipe
from fieldcast.datasets.trajectories import generate_trajectories
from fieldcast.datasets.windows import TrajectoryWindows, trajectory_paths
from fieldcast.simulators.fixed_steps import FixedSteps
from fieldcast.simulators.flows.navier_stokes_2d import NavierStokes2D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.rollout import rollout
from fieldcast.simulators.stepper import Stepper
from fieldcast.surrogates.corrected_stepper import CorrectedStepper, InTheLoop
from fieldcast.surrogates.flow_training import field_statistics
from fieldcast.surrogates.losses import RelativeL2
from fieldcast.surrogates.metrics import correlation_time
from fieldcast.surrogates.operators import DilResNet
from fieldcast.surrogates.training import TrainingRecipe, fit
from fieldcast.surrogates.training.objectives import Unrolled
from fieldcast.surrogates.wrappers import ChannelStatistics, Model, Normalised


@dataclass(frozen=True)
class Size:
    """Sizes: the flow, the network's width, steps of training, steps in the loop, seeds."""

    name: str
    flow: KolmogorovRecipe
    width: int
    num_steps: int
    unroll: int
    seeds: tuple[int, ...]

    @property
    def root(self) -> Path:
        return Path("runs/solver_in_the_loop") / self.name


QUICK = Size(
    "quick",
    KolmogorovRecipe(num_trajectories=6, num_snapshots=21, num_points=64, kept_points=24, first_time=10.0),
    width=8,
    num_steps=60,
    unroll=4,
    seeds=(0,),
)
FULL = Size(
    "full",
    KolmogorovRecipe(num_trajectories=12, num_snapshots=61, num_points=128, kept_points=32, first_time=20.0),
    width=12,
    num_steps=600,
    unroll=6,
    seeds=(0,),
)
INNER_STEPS = 5
"""Of the coarse solver, from one snapshot to the next."""


class Still(Stepper):
    """Nothing changes: under a correction, a network alone."""

    dt: float = eqx.field(static=True)

    def __call__(self, state: jax.Array) -> jax.Array:
        return state


def main(quick: bool = False) -> None:
    """Train, roll out, compare.

    Args:
        quick: The small size, whose result is printed and not stored.
    """
    size = QUICK if quick else FULL
    generate_trajectories(size.flow, size.root / "data")
    solver = coarse_solver(size.flow)
    data = {split: windows(size, split, length=2) for split in ("train", "valid", "test")}
    errors, seconds = {"solver alone": [rollout_errors(solver, size)]}, {}
    for seed in size.seeds:
        for name, base, unroll in (
            ("corrected, one step", solver, 1),
            (f"corrected, {size.unroll} in the loop", solver, size.unroll),
            (f"network alone, {size.unroll} steps", Still(solver.dt), size.unroll),
        ):
            start = time.perf_counter()
            model = trained(size, base, unroll, seed, data["train"], f"{name}, seed {seed}")
            seconds[name] = round(time.perf_counter() - start, 1)
            errors.setdefault(name, []).append(rollout_errors(CorrectedStepper(base, model), size))
    report(size, errors, seconds, store=not quick)


def coarse_solver(flow: KolmogorovRecipe) -> FixedSteps:
    """The equations of the data on the kept grid."""
    fine = flow.flow(0)
    box = PeriodicBox((flow.kept_points,) * 2, fine.grid.lengths)
    dt = flow.interval / INNER_STEPS
    step = NavierStokes2D(box, viscosity=flow.viscosity, dt=dt, drag=flow.drag, forcing=fine.forcing)
    return FixedSteps(step, INNER_STEPS)


def windows(size: Size, split: str, length: int) -> TrajectoryWindows:
    return TrajectoryWindows(trajectory_paths(size.root / "data", split), length).in_memory()


def trained(size: Size, base: Stepper, unroll: int, seed: int, train: TrajectoryWindows, name: str) -> Model:
    """A network that corrects `base`, trained through `unroll` steps."""
    objective = InTheLoop(base, Unrolled(RelativeL2(), unroll))
    recipe = TrainingRecipe(
        num_steps=size.num_steps, batch_size=4, validate_every=max(20, size.num_steps // 10), seed=seed
    )
    validation = windows(size, "valid", unroll + 1)

    @eqx.filter_jit
    def window_error(model: Model, frames: jax.Array) -> jax.Array:
        return objective(model, frames, jrandom.key(0))

    def validate(model: Model) -> dict[str, float]:
        every = range(0, len(validation), max(1, len(validation) // 16))
        return {"valid_relative_l2": float(np.mean([window_error(model, jnp.asarray(validation[i])) for i in every]))}

    batches = shuffled_batches(windows(size, "train", unroll + 1), recipe.batch_size, seed, num_threads=0)
    network = fresh(size, base, train, key=jrandom.key(seed))
    return fit(network, objective, batches, validate, recipe, size.root / name.replace(", ", "-").replace(" ", "_"))


def fresh(size: Size, base: Stepper, train: TrajectoryWindows, *, key: jax.Array) -> Normalised:
    """A small convolutional network whose answers have the size of what the base leaves to be done."""
    fields, _ = field_statistics(train)
    step = eqx.filter_jit(lambda u: base.decode(base(base.encode(u))))
    pairs = [train[index] for index in range(0, len(train), max(1, len(train) // 32))]
    missing = float(np.std([pair[1] - np.asarray(step(jnp.asarray(pair[0]))) for pair in pairs]))
    operator = DilResNet(1, 1, width=size.width, num_blocks=1, periodic=True, key=key)
    return Normalised(operator, fields, ChannelStatistics((0.0,), (missing,)))


def rollout_errors(stepper: Stepper, size: Size) -> dict[str, np.ndarray]:
    """Relative error and correlation against time, the mean over the test trajectories, and the correlation time."""
    follow = eqx.filter_jit(lambda step, u, n=size.flow.num_snapshots - 1: rollout(step, n)(step.encode(u))[1])
    errors, correlations = [], []
    for frames in (np.asarray(t) for t in windows(size, "test", size.flow.num_snapshots)):
        predicted, truth = np.asarray(follow(stepper, jnp.asarray(frames[0]))), frames[1:]
        axes = tuple(range(1, truth.ndim))
        products = (predicted * truth).sum(axes) / np.sqrt((predicted**2).sum(axes) * (truth**2).sum(axes))
        correlations.append(products)
        errors.append(np.sqrt(((predicted - truth) ** 2).sum(axes) / (truth**2).sum(axes)))
    times = size.flow.interval * np.arange(1, size.flow.num_snapshots)
    until = [correlation_time(times, correlation, 0.9) for correlation in correlations]
    return {"error": np.mean(errors, axis=0), "until": np.mean(np.minimum(until, times[-1]))}


def report(size: Size, errors: dict[str, list], seconds: dict[str, float], store: bool) -> None:
    """Print the numbers; with `store` write them and the figure."""
    names = list(errors)
    result = {
        "errors": {
            name: {
                "one_step": _over_seeds([run["error"][0] for run in errors[name]]),
                "at_time_2": _over_seeds([run["error"][round(2.0 / size.flow.interval) - 1] for run in errors[name]]),
                "time_of_correlation_0.9": _over_seeds([run["until"] for run in errors[name]]),
            }
            for name in names
        },
        "seconds_of_training": seconds,
        "seeds": list(size.seeds),
        "size": size.name,
    }
    publish(result | provenance("equinox", "optax"), "solver_in_the_loop", store)
    if store:
        draw(size, errors).savefig(RESULTS / "solver_in_the_loop.png", dpi=110)


def draw(size: Size, errors: dict[str, list]) -> Figure:
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    panel = figure.subplots()
    times = size.flow.interval * np.arange(1, size.flow.num_snapshots)
    for number, (name, runs) in enumerate(errors.items()):
        for run in runs:
            panel.semilogy(times, run["error"], color=f"C{number}", label=name if run is runs[0] else None)
    panel.set(xlabel="time", ylabel="relative L2 error of the vorticity", title="Rollouts from unseen states")
    panel.legend()
    panel.grid(alpha=0.3, which="both")
    return figure


def _over_seeds(values: list[float]) -> dict[str, float]:
    return {"mean": float(f"{np.mean(values):.4g}"), "spread": float(f"{np.std(values):.2g}")}


if __name__ == "__main__":
    tyro.cli(main)
