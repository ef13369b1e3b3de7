"""SineNet by its number of waves, at equal parameters, and with zeros in place of periodic padding.

`python benchmarks/experiments/sinenet.py [--quick | --gpu]` makes the data, trains what is not trained yet, and
measures the relative L2 error of one step and of rollouts from the first snapshots of unseen trajectories. Two claims
of X. Zhang et al., ICLR 2024, arXiv:2403.19507, are tested, by the rules of `sinenet_claim`. `--table` prints
the stored results as Markdown.
"""

import json
import time
from dataclasses import asdict
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from experiment import Result, mean_and_spread
from jaxtyping import Array, Float
from report import RESULTS
from side_by_side import side_by_side
from sinenet_claim import CLAIM, KINDS, falls_with_waves, padding_gap
from sinenet_figures import draw, markdown_table
from sinenet_sizes import CPU, GPU, QUICK, Flow, Size
from sinenet_training import AboveLevels, Training, data_of, train, trainings

from fieldcast.datasets.engine import InProcess, LocalProcesses
from fieldcast.datasets.trajectories import generate_trajectories
from fieldcast.datasets.windows import TrajectoryWindows, trajectory_paths
from fieldcast.surrogates.learned_stepper import LearnedStepper, load_stepper
from fieldcast.surrogates.losses import Loss

STORED = RESULTS / "experiment_sinenet.json"


def evaluate(tasks: list[Training], flow: Flow, data: Path) -> dict[str, dict[str, object]]:
    """Errors of every model on the test trajectories, and what it costs, by model."""
    trajectories = TrajectoryWindows(trajectory_paths(data, "test"), flow.data.num_snapshots).in_memory()
    loss, models = AboveLevels(flow.levels), {}
    for model in flow.contenders():
        runs = [task.run for task in tasks if task.model == model]
        steppers = [load_stepper(run) for run in runs]
        errors = [[trajectory_errors(stepper, loss, jnp.asarray(t)) for t in trajectories] for stepper in steppers]
        one_step = [np.mean([one for one, _ in each]) for each in errors]
        against_time = [np.mean([curve for _, curve in each], axis=0) for each in errors]
        models[model] = {
            "one_step": mean_and_spread(one_step),
            "rollout": mean_and_spread(curve.mean() for curve in against_time),
            "against_time": np.mean(against_time, axis=0).tolist(),
            "parameters": number_of_parameters(steppers[0]),
            "training_seconds": float(np.mean([training_seconds(run) for run in runs])),
            "seconds_per_step": seconds_per_step(steppers[0], jnp.asarray(trajectories[0])),
            "seeds": len(runs),
        }
    return models


@eqx.filter_jit
def trajectory_errors(
    step: LearnedStepper, loss: Loss, frames: Float[Array, "time channel *space"]
) -> tuple[Float[Array, ""], Float[Array, " step"]]:
    """Mean error of one step from all windows, and the errors of the rollout from the first."""
    starts = jnp.arange(len(frames) - step.history)

    def one_step_error(start: Array) -> Array:
        window = jax.lax.dynamic_slice_in_dim(frames, start, step.history + 1)
        return loss(step.decode(step(step.start(window[:-1]))), window[-1])

    def advance(state: Array, truth: Array) -> tuple[Array, Array]:
        state = step(state)
        return state, loss(step.decode(state), truth)

    _, errors = jax.lax.scan(advance, step.start(frames[: step.history]), frames[step.history :])
    return jnp.mean(jax.lax.map(one_step_error, starts)), errors


def persistence(flow: Flow, data: Path) -> dict[str, float]:
    """Errors of the forecast that nothing changes."""
    trajectories = TrajectoryWindows(trajectory_paths(data, "test"), flow.data.num_snapshots).in_memory()
    loss, last = jax.jit(jax.vmap(AboveLevels(flow.levels))), flow.history - 1
    one_step = [loss(frames[last:-1], frames[last + 1 :]) for frames in trajectories]
    rollout = [loss(np.broadcast_to(t[last], t[last + 1 :].shape), t[last + 1 :]) for t in trajectories]
    return {"one_step": float(np.mean(one_step)), "rollout": float(np.mean(rollout))}


def number_of_parameters(stepper: LearnedStepper) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(stepper, eqx.is_inexact_array)))


def training_seconds(run: Path) -> float:
    return json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["seconds"]


def seconds_per_step(stepper: LearnedStepper, frames: Float[Array, "time channel *space"], repeats: int = 20) -> float:
    """Median of several, once compiled."""
    step, state, seconds = eqx.filter_jit(stepper), stepper.start(frames[: stepper.history]), []
    jax.block_until_ready(step(state))
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(step(state))
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def main(quick: bool = False, gpu: bool = False, table: bool = False) -> None:
    """Run the experiment.

    **Arguments:** `quick`: in minutes, prints one line and stores nothing. `gpu`: at the published sizes. `table`:
    print the stored results as Markdown, and do nothing else.
    """
    if table:
        print(markdown_table(json.loads(STORED.read_text())))
        return
    size = QUICK if quick else GPU if gpu else CPU
    start = time.perf_counter()
    executor = InProcess() if size.num_workers == 1 else LocalProcesses(size.num_workers)
    for name, flow in size.flows.items():
        generate_trajectories(flow.data, data_of(size, name), executor)
    generated = time.perf_counter()
    tasks = trainings(size)
    side_by_side(train, [task for name in tasks for task in tasks[name]], size.num_workers)
    trained = time.perf_counter()
    flows = {name: outcome(flow, tasks[name], data_of(size, name)) for name, flow in size.flows.items()}
    seconds = {
        "data": generated - start,
        "training": trained - generated,
        "evaluation": time.perf_counter() - trained,
    }
    result(flows, seconds, size).report(size.name, store=not quick)
    if not quick:
        draw(STORED.with_suffix(".png"), json.loads(STORED.read_text()))


def outcome(flow: Flow, tasks: list[Training], data: Path) -> dict[str, object]:
    """All that is reported of one flow."""
    models = evaluate(tasks, flow, data)
    return {
        "models": models,
        "persistence": persistence(flow, data),
        "waves": sorted(flow.waves),
        "zero_padded": list(flow.zero_padded),
        "falls_with_waves": falls_with_waves(tuple(flow.waves), models),
        "padding_gap": padding_gap(flow.zero_padded, models),
        "interval": flow.data.interval,
        "history": flow.history,
        "trajectories": {split: len(trajectory_paths(data, split)) for split in ("train", "valid", "test")},
        "training": asdict(flow.training) | {"schedule": repr(flow.training.schedule)},
    }


def result(flows: dict[str, dict], seconds: dict[str, float], size: Size) -> Result:
    """Both halves of the claim have to hold on every flow."""
    models = dict.fromkeys(model for flow in flows.values() for model in flow["models"])
    falls = all(all(flow["falls_with_waves"].values()) for flow in flows.values())
    gap = all(flow["padding_gap"]["about_twice"] for flow in flows.values())
    return Result(
        experiment="sinenet",
        claim=CLAIM,
        claim_holds=falls and gap,
        errors={
            model: {
                name: {kind: flow["models"][model][kind] for kind in KINDS}
                for name, flow in flows.items()
                if model in flow["models"]
            }
            for model in models
        },
        seconds=seconds,
        seeds=range(max(c.num_seeds for flow in size.flows.values() for c in flow.contenders().values())),
        details={"falls_with_waves": falls, "padding_gap_about_twice": gap, "flows": flows},
    )


if __name__ == "__main__":
    tyro.cli(main)
