"""`fieldcast evaluate`: errors of any number of trained surrogates, beside the free field."""

from pathlib import Path

from fieldcast.scripts.report import errors_table
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.surrogates import evaluation
from fieldcast.surrogates.predictor import load_predictor
from fieldcast.surrogates.ultrasound import load_records


def evaluate(data: Path, runs: tuple[Path, ...], split: str = "test") -> None:
    """Compare trained surrogates with the simulated fields of a dataset.

    Args:
        data: Folder of a generated dataset.
        runs: Run folders, one a row of the table.
        split: Which of the dataset's splits is used.
    """
    records = load_records(data, split)
    solvers: dict[str, FieldSolver] = {"free field": FreeField(), **{str(run): load_predictor(run) for run in runs}}
    errors = {name: evaluation.evaluate(solver, records) for name, solver in solvers.items()}
    seconds = {
        name: evaluation.seconds_per_field(solver, records[0].scene, repeats=5) for name, solver in solvers.items()
    }
    print(f"{len(records)} scenes of the split {split!r} of {data}: mean ± standard deviation")
    print(errors_table(errors, seconds))
