"""What the generation engine adds to a job, beside what a job of k-Wave takes."""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np

from fieldcast.datasets.engine import LocalProcesses, carry_out, settings_hash
from fieldcast.datasets.engine.job import Job
from fieldcast.datasets.generation import ScenePlan
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.simulators.acoustics.kwave import KWave


@dataclass(frozen=True)
class Nothing:
    """A plan whose jobs do nothing."""

    num_samples: int

    sample_name: ClassVar[str] = "nothing"

    def settings(self) -> dict[str, Any]:
        return {}

    def record(self) -> dict[str, Any]:
        return {}

    def split(self, index: int) -> str:
        return "train"

    def make(self, index: int, path: Path, provenance: dict[str, Any], progress: bool) -> None:
        pass

    def provenance(self, path: Path) -> dict[str, Any]:
        return {}


def overhead(folder: Path, num_jobs: int, num_scenes: int) -> dict[str, float]:
    """What the engine adds to a job in a process of its own, as a fraction of a job of k-Wave, and the parts of that.

    The start of the processes comes once a call, not once a job.
    """
    bookkeeping = carry_out(Nothing(num_jobs), folder / "nothing").seconds / num_jobs
    start, handing_over = seconds_of_processes(folder / "nothing", num_jobs)
    kwave = seconds_of_kwave(folder / "kwave", num_scenes)
    return {
        "engine_overhead_fraction": float(f"{(bookkeeping + handing_over) / kwave:.2g}"),
        "bookkeeping_ms_per_job": round(1e3 * bookkeeping, 2),
        "handing_over_ms_per_job": round(1e3 * handing_over, 2),
        "start_of_processes_seconds": round(start, 1),
        "kwave_seconds_per_job": round(kwave, 2),
    }


def seconds_of_processes(folder: Path, num_jobs: int) -> tuple[float, float]:
    """Until the first of two processes has done a job, and of every job after that."""
    plan = Nothing(num_jobs)
    job = Job(plan, folder, settings_hash(plan.settings()), bool(jax.config.jax_enable_x64))
    start = time.perf_counter()
    with closing(LocalProcesses(2).run(job, range(num_jobs))) as ended:
        next(ended)
        first = time.perf_counter()
        number = len(list(ended))
    return first - start, (time.perf_counter() - first) / number


def seconds_of_kwave(folder: Path, num_scenes: int) -> float:
    """Median over scenes of the smallest set that is worth learning from, after one that is not counted."""
    recipe = UltrasoundRecipe(num_scenes=num_scenes + 1)
    plan, seconds = ScenePlan(recipe, KWave(workers=1, progress=False)), []
    for index in range(recipe.num_scenes):
        start = time.perf_counter()
        plan.make(index, folder / f"scene_{index}.h5", {"recipe_hash": "", "index": index}, False)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))
