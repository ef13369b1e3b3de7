"""Pressure fields of trained surrogates beside the simulated ones."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from fieldcast.scripts.report import errors_table, write_evaluation
from fieldcast.simulators.acoustics.figures import compare_fields, save_figure
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.surrogates import evaluation
from fieldcast.surrogates.predictor import load_predictor
from fieldcast.surrogates.ultrasound import load_records


def evaluate_fields(runs: tuple[Path, ...], data: Path, split: str, output: Path) -> None:
    """Errors and seconds of predictors and of the free field, and a picture of the scene of median error."""
    records = load_records(data, split)
    solvers: dict[str, FieldSolver] = {"free field": FreeField(), **{str(run): load_predictor(run) for run in runs}}
    errors = {name: evaluation.evaluate(solver, records) for name, solver in solvers.items()}
    seconds = {
        name: evaluation.seconds_per_field(solver, records[0].scene, repeats=5) for name, solver in solvers.items()
    }
    print(f"{len(records)} scenes of the split {split!r} of {data}: mean ± standard deviation")
    print(errors_table(errors, seconds))
    record = records[_median(errors[next(reversed(errors))])]
    fields = {"truth": record.field} | {name: solver(record.scene) for name, solver in solvers.items()}
    save_figure(compare_fields(fields, record.scene.head, record.scene.transducer), output / "fields.png")
    numbers = {
        name: {
            "mean": asdict(evaluation.mean_errors(errors[name])),
            "standard_deviation": asdict(evaluation.spread_of_errors(errors[name])),
            "seconds_per_field": seconds[name],
        }
        for name in solvers
    }
    write_evaluation(output, {"data": str(data), "split": split, "scenes": len(records), "solvers": numbers})


def _median(errors: Sequence[evaluation.FieldErrors]) -> int:
    """The scene that shows neither the best nor the worst."""
    order = np.argsort([error.relative_l2 for error in errors])
    return int(order[len(order) // 2])
