"""Transcranial fields: what the parts of DeepTFUS are worth, and what brings its focal error down.

python benchmarks/experiments/transcranial.py --quick       tiny, one JSON line
python benchmarks/experiments/transcranial.py               docs/results/experiment_transcranial.json and figures
python benchmarks/experiments/transcranial.py --gpu         2,000 scenes of 96^3 points
python benchmarks/experiments/transcranial.py --table       the tables of the stored result, as Markdown
"""

import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from experiment import RUNS, Result
from report import RESULTS
from side_by_side import side_by_side
from transcranial_claims import claims, remedies
from transcranial_figures import draw_errors, draw_fields
from transcranial_models import PHASE, PHYSICS, PUBLISHED, VARIANTS, NetworkSize
from transcranial_tables import tables
from transcranial_training import Outcome, Task, records, scene_errors, train_and_judge, trained

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.datasets.solvers import KSpaceChoice
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.scripts.generate import generate_ultrasound
from fieldcast.scripts.running import Running
from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.placement import Bowl
from fieldcast.simulators.acoustics.random_placement import RandomPlacement
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.surrogates.evaluation import seconds_per_field
from fieldcast.surrogates.training import TrainingRecipe

FREE_FIELD = "free field (no skull)"


@dataclass(frozen=True)
class Size:
    """How large the experiment is.

    - `name`: of its folders.
    - `recipe`: what is simulated.
    - `network`, `training`: the same for all contenders.
    - `seeds`: of each contender.
    - `workers`: trainings, and simulations, side by side.
    """

    name: str
    recipe: UltrasoundRecipe
    network: NetworkSize
    training: TrainingRecipe
    seeds: dict[str, tuple[int, ...]]
    workers: int

    def tasks(self, data: Path) -> list[Task]:
        runs = RUNS / f"transcranial-{self.name}"
        return [
            Task(variant, seed, self.network, self.training, data, runs)
            for variant, seeds in self.seeds.items()
            for seed in seeds
        ]


QUICK = Size(
    name="quick",
    recipe=UltrasoundRecipe(
        num_scenes=6,
        bowl=Bowl(radius_of_curvature=20e-3, aperture_diameter=16e-3, frequency=250e3, surface_pressure=100e3),
        shape=(24, 24, 24),
        spacing=1.5e-3,
        placement=RandomPlacement(standoff=(3e-3, 4e-3), target_depth=(20e-3, 25e-3)),
        num_valid=1,
        num_test=1,
        split_period=3,
    ),
    network=NetworkSize(base_width=8, num_levels=2),
    training=TrainingRecipe(num_steps=10, validate_every=10),
    seeds=dict.fromkeys((PUBLISHED, PHYSICS, PHASE), (0,)),
    workers=1,
)
CPU = Size(
    name="cpu",
    recipe=UltrasoundRecipe(num_scenes=40),
    network=NetworkSize(),
    training=TrainingRecipe(num_steps=120, validate_every=60),
    seeds=dict.fromkeys(VARIANTS, (0,)),
    workers=2,
)
GPU = Size(
    name="gpu",
    recipe=UltrasoundRecipe(num_scenes=2000, shape=(96, 96, 96), solver=KSpaceChoice()),
    network=NetworkSize(num_levels=4, patch_size=1, fno_width=32, fno_modes=16),
    training=TrainingRecipe(num_steps=20_000, batch_size=4, learning_rate=1e-3, validate_every=2_000),
    seeds=dict.fromkeys(VARIANTS, (0, 1, 2)),
    workers=1,
)


def main(quick: bool = False, gpu: bool = False, table: bool = False, data: Path | None = None) -> None:
    """Train every contender on the same scenes and compare them on skulls never seen.

    Args:
        quick: Three contenders, a few steps.
        gpu: The size for a GPU.
        table: Print the tables of the stored result, and run nothing.
        data: Folder of the scenes; what is missing there is simulated.
    """
    if table:
        print(tables(json.loads((RESULTS / "experiment_transcranial.json").read_text())))
        return
    size = QUICK if quick else GPU if gpu else CPU
    data = data or RUNS / ("transcranial-data" if size is CPU else f"transcranial-{size.name}-data")
    with contextlib.redirect_stdout(sys.stderr):
        simulate(size, data)
        outcomes = side_by_side(train_and_judge, size.tasks(data), size.workers)
        result = judged(size, data, outcomes)
        if not quick:
            draw(size, data, result)
    result.report(size.name, store=not quick)
    if not quick:
        print(tables(json.loads((RESULTS / "experiment_transcranial.json").read_text())))


def simulate(size: Size, data: Path) -> None:
    """Make the scenes that `data` lacks."""
    if len(list(data.glob("data/*/*.h5"))) < size.recipe.num_scenes:
        generate_ultrasound(data, size.recipe, Running(workers=size.workers))


def judged(size: Size, data: Path, outcomes: Sequence[Outcome]) -> Result:
    """The result of the experiment, from its trained contenders."""
    test = records(data, "test")
    # Errors by scene, the mean over the seeds of each contender.
    errors = {FREE_FIELD: [scene_errors(FreeField(), record) for record in test]}
    for name in size.seeds:
        seeds = [outcome.errors for outcome in outcomes if outcome.variant == name]
        errors[name] = [
            {metric: float(np.mean([scene[metric] for scene in scenes])) for metric in scenes[0]}
            for scenes in zip(*seeds, strict=True)
        ]
    seconds, accuracy = solver_times(trained(_first_task(size, data, PHYSICS))[0], test[0])
    tested = claims(errors, seconds)
    return Result(
        experiment="transcranial",
        claim="DeepTFUS as published beats itself without any of its parts, a plain U-Net and an FNO on skulls never "
        "seen, and is faster than k-Wave",
        claim_holds=set(size.seeds) == set(VARIANTS) and all(claim["holds"] for claim in tested.values()),
        errors={name: _over(scenes, np.mean) for name, scenes in errors.items()},
        seconds=seconds,
        seeds=sorted({outcome.seed for outcome in outcomes}),
        details={
            "scene_spread": {name: _over(scenes, np.std) for name, scenes in errors.items()},
            "seed_spread": {name: _seed_spread(outcomes, name) for name, seeds in size.seeds.items() if len(seeds) > 1},
            "claims": tested,
            "remedies": remedies(errors),
            "solver_errors": accuracy,
            "parameters": {o.variant: o.parameters for o in outcomes},
            "training_seconds": {f"{o.variant}, seed {o.seed}": o.seconds for o in outcomes},
            "sees": {name: VARIANTS[name].sees for name in size.seeds},
            "num_steps": size.training.num_steps,
            "batch_size": size.training.batch_size,
            "num_scenes": {split: len(list(data.glob(f"data/{split}/*.h5"))) for split in ("train", "valid", "test")},
            "grid": list(size.recipe.shape),
            "spacing_mm": 1e3 * size.recipe.spacing,
        },
    )


def solver_times(surrogate: FieldSolver, record: SceneRecord) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Seconds for one field on this device, all cores, after compilation; and the physical solvers' errors on it."""
    solvers = {
        "k-Wave": KWave(progress=False),
        "KSpace": KSpace(tolerance=0.005),
        "BornSeries": BornSeries(),
        "surrogate": surrogate,
    }
    repeats = {"surrogate": 11}
    seconds = {name: seconds_per_field(s, record.scene, repeats.get(name, 2)) for name, s in solvers.items()}
    accuracy = {name: scene_errors(solvers[name], record) for name in ("KSpace", "BornSeries")}
    return seconds, accuracy


def draw(size: Size, data: Path, result: Result) -> None:
    """The figures: errors of all contenders, and the fields of some of them."""
    draw_errors(result.errors, result.details["scene_spread"], RESULTS / "experiment_transcranial_errors.png")
    best = min(size.seeds, key=lambda name: result.errors[name]["focal_error"])
    shown = dict.fromkeys((PUBLISHED, PHYSICS, best if best not in (PUBLISHED, PHYSICS) else PHASE))
    solvers = {name: trained(_first_task(size, data, name))[0] for name in shown}
    draw_fields(records(data, "test")[0], solvers, RESULTS / "experiment_transcranial_fields.png")


def _first_task(size: Size, data: Path, name: str) -> Task:
    return next(task for task in size.tasks(data) if task.variant == name)


def _over(scenes: Sequence[dict[str, float]], statistic) -> dict[str, float]:
    return {metric: float(statistic([scene[metric] for scene in scenes])) for metric in scenes[0]}


def _seed_spread(outcomes: Sequence[Outcome], name: str) -> dict[str, float]:
    means = [_over(outcome.errors, np.mean) for outcome in outcomes if outcome.variant == name]
    return _over(means, np.std)


if __name__ == "__main__":
    tyro.cli(main)
