"""Making a dataset: every scene a job of its own, done once, resumed after any interruption."""

import dataclasses
import hashlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import equinox as eqx
from tqdm import tqdm

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.scene_file import DamagedFileError, SceneRecord, read_scene, write_scene
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver


@runtime_checkable
class Recipe(Protocol):
    """What a dataset is made of: a frozen dataclass that names every scene by its index."""

    num_scenes: int

    def scene(self, index: int) -> Scene: ...

    def split(self, index: int) -> str: ...


@dataclass(frozen=True)
class GenerationReport:
    """What a call of `generate` did: files written, files found finished, and failures by index with their reason."""

    written: int
    found: int
    failures: dict[int, str]
    seconds: float


def recipe_hash(recipe: Recipe) -> str:
    """Sixteen hexadecimal digits that name the recipe's settings, apart from how many scenes are asked for."""
    settings = {name: value for name, value in dataclasses.asdict(recipe).items() if name != "num_scenes"}
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def scene_path(root: Path, recipe: Recipe, index: int) -> Path:
    """Where scene `index` lives: `root/data/<split>/scene_<index>.h5`."""
    return Path(root) / "data" / recipe.split(index) / f"scene_{index:05d}.h5"


def generate(recipe: Recipe, solver: FieldSolver, root: Path, num_workers: int = 1) -> GenerationReport:
    """Simulate every scene of `recipe` that `root` does not hold yet.

    A job is idempotent and publishes its file atomically, so the files on disk are the whole truth about what is
    done: interrupt at any moment and call again. A failing scene is recorded and does not stop the others.

    **Arguments:**

    - `recipe`: names the scenes.
    - `solver`: solves them.
    - `root`: folder of the dataset; receives `recipe.json` and `data/{train,valid,test}/`.
    - `num_workers`: processes that simulate side by side; 1 runs in this process.

    **Raises:** `ValueError` when `root` holds a dataset of another recipe.
    """
    root = Path(root)
    _claim(root, recipe, solver)
    start = time.perf_counter()
    missing = [index for index in range(recipe.num_scenes) if not _is_done(scene_path(root, recipe, index), recipe)]
    failures: dict[int, str] = {}
    with tqdm(total=recipe.num_scenes, initial=recipe.num_scenes - len(missing), desc="generate", unit="scene") as bar:
        for index, reason in _run(recipe, solver, root, missing, num_workers):
            bar.update()
            if reason is not None:
                failures[index] = reason
                bar.write(f"scene {index} failed: {reason}")
    return GenerationReport(
        written=len(missing) - len(failures),
        found=recipe.num_scenes - len(missing),
        failures=failures,
        seconds=time.perf_counter() - start,
    )


def _claim(root: Path, recipe: Recipe, solver: FieldSolver) -> None:
    """Write the recipe beside the data, or check that the data there were made by the same one."""
    path = root / "recipe.json"
    if path.exists():
        found = json.loads(path.read_text())["hash"]
        if found != recipe_hash(recipe):
            raise ValueError(
                f"{root} holds a dataset of another recipe (hash {found}, asked for {recipe_hash(recipe)}). Choose "
                "another folder, or delete this one."
            )
        return
    with atomic_write(path) as temporary:
        text = {
            "recipe": type(recipe).__name__,
            "settings": dataclasses.asdict(recipe),
            "solver": repr(solver),
            "hash": recipe_hash(recipe),
        }
        temporary.write_text(json.dumps(text, indent=2, default=str))


def _is_done(path: Path, recipe: Recipe) -> bool:
    if not path.exists():
        return False
    try:
        return read_scene(path).provenance["recipe_hash"] == recipe_hash(recipe)
    except DamagedFileError:
        return False


def _run(
    recipe: Recipe, solver: FieldSolver, root: Path, indices: list[int], num_workers: int
) -> Iterator[tuple[int, str | None]]:
    """Yield each index as it ends, with the reason if it failed."""
    if num_workers == 1:
        for index in indices:
            yield index, _simulate(recipe, solver, root, index)
        return
    with _worker_pool(num_workers) as pool:
        futures = {pool.submit(_simulate, recipe, solver, root, index): index for index in indices}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], "a worker process died (out of memory?); run again to resume"


@contextmanager
def _worker_pool(num_workers: int) -> Iterator[Executor]:
    # Spawned, because a forked process inherits the locks of JAX's threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C is the parent's to handle: it lets running scenes finish and cancels the rest.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def _simulate(recipe: Recipe, solver: FieldSolver, root: Path, index: int) -> str | None:
    """Simulate and store one scene; the reason if that fails."""
    try:
        start = time.perf_counter()
        scene = recipe.scene(index)
        pressure = solver(scene)
        provenance = {
            "recipe_hash": recipe_hash(recipe),
            "index": index,
            "solver": eqx.tree_pformat(solver),
            "seconds": time.perf_counter() - start,
        }
        write_scene(scene_path(root, recipe, index), SceneRecord(scene, pressure, provenance))
    except Exception as error:  # one bad scene must not end a night's work; its reason is reported
        return f"{type(error).__name__}: {error}"
    return None
