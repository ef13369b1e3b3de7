"""`fieldcast demo`: the main job from end to end, on a laptop."""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.scripts.generate import generate_ultrasound
from fieldcast.scripts.query import describe
from fieldcast.scripts.report import errors_table, markdown_table
from fieldcast.scripts.running import Running
from fieldcast.simulators.acoustics.figures import compare_fields, save_figure
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.acoustics.head_image import write_field
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.nifti import write_volume
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.surrogates.evaluation import FieldErrors, evaluate, mean_errors, seconds_per_field
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.training import TrainingRecipe
from fieldcast.surrogates.ultrasound import load_records, train_predictor

PUBLISHED, PHYSICS = "DeepTFUS, CT + transducer", "DeepTFUS, CT + transducer + free field"


@dataclass(frozen=True)
class MainJob:
    """Sizes of the main job.

    - `recipe`: what k-Wave simulates.
    - `published`, `physics`: the two forms of the surrogate.
    - `published_training`, `physics_training`: how long each of them learns.
    - `larger_grids`: points a side of further grids on which k-Wave and the query are timed.
    """

    recipe: UltrasoundRecipe = UltrasoundRecipe(num_scenes=40)
    published: ModelRecipe = ModelRecipe(free_field=False, patch_size=2, num_levels=3)
    physics: ModelRecipe = ModelRecipe(free_field=True, patch_size=2, num_levels=3)
    published_training: TrainingRecipe = TrainingRecipe(num_steps=150, validate_every=50)
    physics_training: TrainingRecipe = TrainingRecipe(num_steps=350, validate_every=50)
    larger_grids: tuple[int, ...] = (64, 80)


QUICK = MainJob(
    recipe=UltrasoundRecipe(num_scenes=10),
    published_training=TrainingRecipe(num_steps=10, validate_every=5),
    physics_training=TrainingRecipe(num_steps=40, validate_every=20),
    larger_grids=(),
)


def demo(output: Path = Path("runs/demo"), workers: int = 2) -> None:
    """Simulate scenes with k-Wave, train DeepTFUS on them, and compare both on skulls never seen.

    Takes about a quarter of an hour on two cores; run again to go on after an interruption.

    Args:
        output: Folder for data, runs, table and picture.
        workers: Processes that simulate side by side.
    """
    numbers, text = run_main_job(MainJob(), output, workers)
    print(text)
    print(json.dumps(numbers))


def run_main_job(job: MainJob, output: Path, workers: int) -> tuple[dict[str, float], str]:
    """Run the main job; returns its numbers and its report, which are also written to `output`."""
    print(f"1/4 k-Wave simulates {job.recipe.num_scenes} scenes")
    generate_ultrasound(output / "data", job.recipe, Running(workers=workers))
    records = {split: load_records(output / "data", split) for split in ("train", "valid", "test")}
    print(f"2/4 two surrogates learn from {len(records['train'])} scenes")
    solvers: dict[str, FieldSolver] = {"free field (no skull)": FreeField()}
    for name, folder, model, training in (
        (PUBLISHED, "published", job.published, job.published_training),
        (PHYSICS, "physics", job.physics, job.physics_training),
    ):
        solvers[name] = train_predictor(records["train"], records["valid"], output / folder, model, training)
    print(f"3/4 {len(records['test'])} scenes with skulls never seen")
    errors = {name: evaluate(solver, records["test"]) for name, solver in solvers.items()}
    print("4/4 k-Wave and the surrogate against the clock")
    timings = time_grids(job, solvers[PHYSICS])
    numbers = main_numbers(job, errors, timings)
    report = "\n".join(
        [_report(records, errors, timings), _query(output, _median_record(records["test"], errors[PHYSICS]), solvers)]
    )
    (output / "report.md").write_text(report + "\n")
    (output / "results.json").write_text(json.dumps(numbers | _provenance(), indent=2) + "\n")
    return numbers, report


def time_grids(job: MainJob, predictor: FieldSolver) -> dict[int, tuple[float, float]]:
    """Seconds of k-Wave, with all cores and its defaults, and of a query, by points a side of the grid."""
    timings = {}
    KWave(progress=False)(job.recipe.scene(0))  # the first call imports k-Wave, which is not its solver's time
    for size in (job.recipe.shape[0], *job.larger_grids):
        scene = replace(job.recipe, shape=(size,) * 3).scene(0)
        kwave = KWave(progress=size > 48)
        timings[size] = (seconds_per_field(kwave, scene), seconds_per_field(predictor, scene, repeats=11))
    return timings


def main_numbers(
    job: MainJob, errors: dict[str, Sequence[FieldErrors]], timings: dict[int, tuple[float, float]]
) -> dict[str, float]:
    """The numbers by which the main job is judged."""
    surrogate, free_field = mean_errors(errors[PHYSICS]), mean_errors(errors["free field (no skull)"])
    seconds_kwave, seconds_query = timings[job.recipe.shape[0]]
    return {
        "num_scenes": job.recipe.num_scenes,
        "rel_l2_surrogate": surrogate.relative_l2,
        "rel_l2_free_field": free_field.relative_l2,
        "peak_error_surrogate": surrogate.peak_error_grid,
        "peak_error_free_field": free_field.peak_error_grid,
        "focal_error_mm_surrogate": 1e3 * surrogate.focal_error,
        "focal_error_mm_free_field": 1e3 * free_field.focal_error,
        "seconds_kwave": seconds_kwave,
        "seconds_query": seconds_query,
        "speedup": seconds_kwave / seconds_query,
    }


def _report(
    records: dict[str, list[SceneRecord]],
    errors: dict[str, Sequence[FieldErrors]],
    timings: dict[int, tuple[float, float]],
) -> str:
    grid = records["test"][0].scene.grid
    shape = " x ".join(str(n) for n in grid.shape)
    rows = [
        [f"{size}^3", f"{kwave:.1f} s", f"{1e3 * query:.0f} ms", f"{kwave / query:.0f}"]
        for size, (kwave, query) in timings.items()
    ]
    return "\n".join(
        [
            f"{len(records['train'])} scenes to learn from, {len(records['valid'])} to choose the best weights, "
            f"{len(records['test'])} with skulls never seen: {shape} points of {1e3 * grid.spacing:g} mm, "
            f"{1e-3 * records['test'][0].scene.frequency:g} kHz. Errors against k-Wave, mean ± standard deviation:",
            "",
            errors_table(errors, {}),
            "",
            "Time for a field, everything included, on the same machine in the same run:",
            "",
            markdown_table(["grid", "k-Wave", "query", "ratio"], rows),
            "",
        ]
    )


def _median_record(records: Sequence[SceneRecord], errors: Sequence[FieldErrors]) -> SceneRecord:
    """The scene whose error is the median one, so that what is shown is neither the best nor the worst."""
    order = np.argsort([e.relative_l2 for e in errors])
    return records[int(order[len(order) // 2])]


def _query(output: Path, record: SceneRecord, solvers: dict[str, FieldSolver]) -> str:
    """Ask the surrogate about one scene: a picture beside the others, NIfTI files for a viewer, and a table."""
    scene, fields = record.scene, {"k-Wave": record.field}
    fields |= {name: solver(scene) for name, solver in solvers.items()}
    save_figure(compare_fields(fields, scene.head, scene.transducer), output / "field.png")
    write_volume(output / "query_ct.nii.gz", np.asarray(scene.head.hounsfield), scene.grid.affine)
    write_field(output / "query_field.nii.gz", fields[PHYSICS])
    return "\n".join(
        [
            "One query, on the test scene with the median error:",
            "",
            describe(fields[PHYSICS], scene),
            "",
            f"Picture: {output}/field.png. Predictor: {output}/physics.",
            f"For a viewer of NIfTI files: {output}/query_ct.nii.gz, {output}/query_field.nii.gz.",
        ]
    )


def _provenance() -> dict[str, str | int]:
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {jax.default_backend()}, {len(jax.devices())} device(s)",
        "python": platform.python_version(),
        "fieldcast": version("fieldcast"),
        "jax": version("jax"),
    }
