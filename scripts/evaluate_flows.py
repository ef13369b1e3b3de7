"""Trajectories of learned steppers and solvers beside the simulated ones."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fieldcast.datasets.trajectory_file import trajectory_header
from fieldcast.datasets.windows import trajectory_paths
from fieldcast.scripts.report import duration, markdown_table, write_evaluation
from fieldcast.simulators.stepper import Stepper
from fieldcast.surrogates.evaluation import (
    Persistence,
    StatisticsErrors,
    StepperErrors,
    evaluate_stepper,
    load_flow_tests,
    solver_on_kept_grid,
)
from fieldcast.surrogates.evaluation.flow_figures import plot_profiles, plot_rollouts, plot_spectra
from fieldcast.surrogates.learned_stepper import load_stepper


@dataclass(frozen=True)
class FlowComparison:
    """How trajectories are compared.

    Args:
        trajectories: Use only the first so many.
        long_steps: Also roll out so many steps, beyond the data; statistics are then those of this rollout.
        solver: Also run the dataset's own equations, on the grid of its snapshots.
    """

    trajectories: int | None = None
    long_steps: int = 0
    solver: bool = False


def evaluate_flows(runs: tuple[Path, ...], data: Path, split: str, output: Path, options: FlowComparison) -> None:
    """Errors, stability, statistics and seconds of steppers, with figures of them."""
    tests = load_flow_tests(data, split, options.trajectories)
    steps: dict[str, Stepper | tuple[Stepper, ...]] = {"persistence": Persistence(tests.interval)}
    if options.solver:
        paths = trajectory_paths(data, split)[: options.trajectories]
        steps["solver, same grid"] = tuple(solver_on_kept_grid(trajectory_header(path)) for path in paths)
    steps |= {str(run): load_stepper(run) for run in runs}
    start = max(tests.earliest_start(step[0] if isinstance(step, tuple) else step) for step in steps.values())
    errors = {
        name: evaluate_stepper(step, tests, start, options.long_steps, progress=True) for name, step in steps.items()
    }
    print(
        f"{len(tests.fields)} trajectories of the split {split!r} of {data}, "
        f"from snapshot {start} to {len(tests.fields[0]) - 1}, {tests.interval:g} apart"
    )
    print(flows_table(errors))
    output.mkdir(parents=True, exist_ok=True)
    plot_rollouts(errors).savefig(output / "rollouts.png", dpi=110)
    if any(tests.grid.periodic):
        plot_spectra(errors, tests).savefig(output / "spectra.png", dpi=110)
    if tests.grid.periodic.count(False) == 1:
        plot_profiles(errors, tests).savefig(output / "profiles.png", dpi=110)
    write_evaluation(
        output,
        {
            "data": str(data),
            "split": split,
            "trajectories": len(tests.fields),
            "start": start,
            "interval": tests.interval,
            "solvers": {name: flow_numbers(each) for name, each in errors.items()},
        },
    )


def flows_table(errors: dict[str, StepperErrors]) -> str:
    """One line a stepper: errors of a step and of the rollouts, stability, statistics, speed."""
    first = _judged(next(iter(errors.values())))
    header = ["", "one step", "VRMSE", "rollout", "at the end", "correlation > 0.8 until", "blown up"]
    header += ["mean"] if first.mean is not None else []
    header += [f"rms {name}" for name in first.root_mean_square] + [f"spectrum {name}" for name in first.spectra]
    rows = []
    for name, found in errors.items():
        judged = _judged(found)
        statistics = [*([judged.mean] if first.mean is not None else []), *judged.root_mean_square.values()]
        rows.append(
            [
                name,
                *(f"{x:.4f}" for x in (found.one_step, found.one_step_vrmse)),
                *(f"{x:.3f}" for x in (np.mean(found.relative_l2), np.mean(found.relative_l2[:, -1]))),
                _correlation_time(found),
                _stability(found),
                *(_number(x) for x in (*statistics, *judged.spectra.values())),
                duration(found.seconds),
            ]
        )
    return markdown_table([*header, "time an interval"], rows)


def flow_numbers(found: StepperErrors) -> dict[str, Any]:
    """What is stored of the errors of a stepper; what is infinite, or not a number, becomes null."""
    times = np.minimum(found.correlation_times, found.times[-1])
    return {
        "one_step_relative_l2": found.one_step,
        "one_step_vrmse": found.one_step_vrmse,
        "rollout_relative_l2": float(np.mean(found.relative_l2)),
        "final_relative_l2": float(np.mean(found.relative_l2[:, -1])),
        "mean_correlation_time_at_least": float(np.mean(times)),
        "blow_up_steps": found.blow_up_steps,
        "statistics_errors": asdict(found.statistics_errors),
        "long_run": None
        if found.long_run is None
        else {
            "num_steps": found.long_run.num_steps,
            "blow_up_step": found.long_run.blow_up_step,
            "statistics_errors": asdict(found.long_run.errors),
        },
        "seconds_per_interval": found.seconds,
        "times": found.times.tolist(),
        "relative_l2": found.relative_l2.tolist(),
        "vrmse": found.vrmse.tolist(),
        "correlation": found.correlation.tolist(),
    }


def _judged(found: StepperErrors) -> StatisticsErrors:
    return found.statistics_errors if found.long_run is None else found.long_run.errors


def _correlation_time(found: StepperErrors) -> str:
    """The mean over the trajectories, at least: some may go on beyond the last snapshot."""
    mean = np.mean(np.minimum(found.correlation_times, found.times[-1]))
    return f"{'' if np.all(np.isfinite(found.correlation_times)) else '> '}{mean:.3g}"


def _stability(found: StepperErrors) -> str:
    """How many rollouts blew up, and when the longer one did."""
    number = sum(step is not None for step in found.blow_up_steps)
    words = f"{number} of {len(found.blow_up_steps)}"
    if found.long_run is None:
        return words
    when = found.long_run.blow_up_step
    return f"{words}; long: " + (f"no, {found.long_run.num_steps} steps" if when is None else f"at step {when}")


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3f}"
