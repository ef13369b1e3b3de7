"""Turbulent channel: does IFactFormer-m stay stable and accurate over long rollouts, where others do not?

IFactFormer-m and -o, FNO and IFNO learn to step filtered direct simulation (same data, same number of samples) and are
rolled out from a run they have not seen, far beyond the data; beside them large-eddy simulations with dynamic
Smagorinsky and WALE closures on the same points.

    python benchmarks/experiments/channel.py            a quarter of an hour on two cores, and the data before it
    python benchmarks/experiments/channel.py --quick    under four minutes; prints one JSON line
    python benchmarks/experiments/channel.py --gpu      sizes and data as published
    python benchmarks/experiments/channel.py --table    the tables of the results that are stored
"""

import json
import time
from collections.abc import Sequence

import numpy as np
import tyro
from channel_claim import BAR, judged, limits
from channel_contenders import CLOSURES, Learned, Size
from channel_data import generate
from channel_rollouts import Measured, measured, seconds_per_interval, statistics_errors, truth
from channel_rollouts_figures import draw
from channel_sizes import CPU, GPU, QUICK
from channel_table import tables
from experiment import Result, mean_and_spread
from report import RESULTS
from side_by_side import side_by_side

CLAIM = "IFactFormer-m stays stable and accurate over long rollouts, the others do not; it is faster than LES"


def main(quick: bool = False, gpu: bool = False, table: bool = False) -> None:
    """Generate what is missing, train what is not trained, roll out, compare.

    Args:
        quick: A tiny size, of which nothing is stored.
        gpu: Data and models of the published size.
        table: Only print the tables of the stored results.
    """
    stored = RESULTS / "experiment_channel.json"
    if table:
        print(tables(json.loads(stored.read_text())))
        return
    size = QUICK if quick else GPU if gpu else CPU
    begin = time.perf_counter()
    laminar = generate(size)
    generated = time.perf_counter()
    runs = side_by_side(measured, [(contender, size) for contender in size.contenders], size.workers)
    trained = time.perf_counter()
    true = truth(size)
    seconds = timings(size)
    errors = {label: summary(same, true) for label, same in by_label(runs).items()}
    blow_ups = {label: [run["blow_up_step"] for run in same] for label, same in by_label(runs).items()}
    within = limits(true["noise"])
    verdicts = {training: judged(training, errors, blow_ups, seconds, within, CLOSURES) for training in size.trainings}
    published = next(iter(size.trainings))
    result = Result(
        experiment="channel",
        claim=CLAIM,
        claim_holds=all(verdicts[published].values()),
        errors=errors,
        seconds={**seconds, "generation": generated - begin, "training and rollouts": trained - generated},
        seeds=sorted({seed for training in size.trainings.values() for seed in training.seeds}),
        details={
            "verdicts": verdicts,
            "blow_up_steps": blow_ups,
            "num_steps": {label: [run["num_steps"] for run in same] for label, same in by_label(runs).items()},
            "bar": BAR,
            "sampling_error": true["noise"],
            "snapshots": true["num_snapshots"],
            "laminar_runs": laminar,
            **costs(runs),
        },
    )
    result.report(size.name, store=not quick)
    if not quick:
        for training in size.trainings:
            draw(RESULTS / f"experiment_channel_{training.replace(' ', '_')}.png", size, training, by_label(runs), true)
        print(tables(json.loads(stored.read_text())))


def timings(size: Size) -> dict[str, float]:
    """Seconds an interval, each alone on the machine: of every operator (the training changes nothing) and closure."""
    first = {
        contender.operator if isinstance(contender, Learned) else contender.label: contender
        for contender in reversed(size.contenders)
    }
    names = [*size.operators, *CLOSURES]
    return {f"{name}, an interval": seconds_per_interval(first[name], size) for name in names}


def by_label(runs: Sequence[Measured]) -> dict[str, list[Measured]]:
    """Runs that differ only in their seeds."""
    return {label: [run for run in runs if run["label"] == label] for label in dict.fromkeys(r["label"] for r in runs)}


def summary(runs: Sequence[Measured], true: Measured) -> dict[str, object]:
    """Mean and spread of all errors over the seeds."""
    errors = [statistics_errors(run, true) if run["num_steps"] else {} for run in runs]
    at_ten = [run["relative_l2"][min(9, len(run["relative_l2"]) - 1)] for run in runs]
    return {
        "one_step": mean_and_spread(run["one_step"] for run in runs),
        "one_step_vrmse": mean_and_spread(run["one_step_vrmse"] for run in runs),
        "ten_steps": mean_and_spread(at_ten),
        **{name: mean_and_spread(each.get(name, np.inf) for each in errors) for name in statistics_errors(true, true)},
    }


def costs(runs: Sequence[Measured]) -> dict[str, object]:
    """Parameters, and mean seconds of training."""
    learned = {label: same for label, same in by_label(runs).items() if "parameters" in same[0]}
    return {
        "parameters": {label: same[0]["parameters"] for label, same in learned.items()},
        "training_seconds": {
            label: float(np.mean([run["training_seconds"] for run in same])) for label, same in learned.items()
        },
    }


if __name__ == "__main__":
    tyro.cli(main)
