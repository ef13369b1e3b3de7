"""Making a dataset: every sample a job of its own, done once, resumed after any interruption."""

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import jax
from tqdm import tqdm

from fieldcast.datasets.atomic import atomic_write, remove_unfinished
from fieldcast.datasets.hdf5_layout import DamagedFileError


@runtime_checkable
class Plan(Protocol):
    """What a dataset is made of: samples, of which each is made from its index alone.

    - `sample_name`: what a sample is called, in messages and in the names of files.
    - `num_samples`: how many are wanted.
    """

    sample_name: str
    num_samples: int

    def settings(self) -> dict[str, Any]:
        """All that decides what sample `index` is; it identifies the dataset."""

    def record(self) -> dict[str, Any]:
        """What `recipe.json` shall say beside the hash of the settings."""

    def split(self, index: int) -> str:
        """`train`, `valid` or `test`."""

    def make(self, index: int, path: Path, provenance: dict[str, Any], progress: bool) -> None:
        """Make sample `index` and write it to `path`, completely or not at all; `progress`: with a bar of its own."""

    def provenance(self, path: Path) -> dict[str, Any]:
        """What was recorded with the sample at `path`, once the whole file is found undamaged."""


@dataclass(frozen=True)
class GenerationReport:
    """What a call did: files written, files found finished, and failures by index with their reason."""

    written: int
    found: int
    failures: dict[int, str]
    seconds: float


def settings_hash(settings: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that identify settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def sample_path(root: Path, split: str, sample_name: str, index: int) -> Path:
    """Where a sample lives: `root/data/<split>/<sample_name>_<index>.h5`."""
    return Path(root) / "data" / split / f"{sample_name}_{index:05d}.h5"


def carry_out(plan: Plan, root: Path, num_workers: int = 1) -> GenerationReport:
    """Make every sample of `plan` that `root` does not hold yet.

    A job is idempotent and publishes its file atomically, so the files on disk are the whole truth about what is
    done: interrupt at any moment and call again. A failing sample is reported and does not stop the others.

    **Arguments:**

    - `plan`: what the samples are.
    - `root`: folder of the dataset; receives `recipe.json` and `data/{train,valid,test}/`.
    - `num_workers`: processes that work side by side; 1 runs in this process.

    **Raises:** `ValueError` when `root` holds a dataset of other settings.
    """
    root = Path(root)
    _claim(root, plan)
    start = time.perf_counter()
    wanted = tqdm(range(plan.num_samples), desc="check what is there", leave=False, delay=1.0)
    missing = [index for index in wanted if not _is_done(_path(root, plan, index), plan)]
    found = plan.num_samples - len(missing)
    failures: dict[int, str] = {}
    with tqdm(total=plan.num_samples, initial=found, desc="generate", unit=plan.sample_name) as bar:
        for index, reason in _run(plan, root, missing, num_workers):
            bar.update()
            if reason is not None:
                failures[index] = reason
                bar.write(f"{plan.sample_name} {index} failed: {reason}")
    return GenerationReport(len(missing) - len(failures), found, failures, time.perf_counter() - start)


def _claim(root: Path, plan: Plan) -> None:
    """Write the settings beside the data, or check that the data there were made by the same ones."""
    path, wanted = root / "recipe.json", settings_hash(plan.settings())
    if path.exists():
        found = json.loads(path.read_text())["hash"]
        if found != wanted:
            raise ValueError(
                f"{root} holds a dataset of another recipe (hash {found}, asked for {wanted}). Choose another folder, "
                "or delete this one."
            )
        return
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(plan.record() | {"hash": wanted}, indent=2, default=str))


def _path(root: Path, plan: Plan, index: int) -> Path:
    return sample_path(root, plan.split(index), plan.sample_name, index)


def _is_done(path: Path, plan: Plan) -> bool:
    if not path.exists():
        return False
    try:
        return plan.provenance(path)["recipe_hash"] == settings_hash(plan.settings())
    except DamagedFileError:
        return False


def _run(plan: Plan, root: Path, indices: list[int], num_workers: int) -> Iterator[tuple[int, str | None]]:
    """Yield each index as it ends, with the reason if it failed."""
    if num_workers == 1:
        for index in indices:
            yield index, _make(plan, root, index, progress=True)
        return
    with _worker_pool(num_workers, root) as pool:
        futures = {pool.submit(_make, plan, root, index, progress=False): index for index in indices}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], "a worker process died (out of memory?); run again to resume"


@contextmanager
def _worker_pool(num_workers: int, root: Path) -> Iterator[Executor]:
    # Spawned, because a forked process inherits the locks of JAX's threads.
    context = _RecordingSpawnContext()
    precision = (jax.config.jax_enable_x64,)
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker, initargs=precision)
    try:
        yield pool
    except BaseException:  # Ctrl-C, above all: a job may be hours from its end, and can be begun again
        _stop(context.processes, root)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _RecordingSpawnContext(SpawnContext):
    """Spawns processes and knows which: this program may have others, which are not a pool's to stop."""

    def __init__(self):
        super().__init__()
        self.processes: list[BaseProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> BaseProcess:
        self.processes.append(super().Process(*args, **kwargs))
        return self.processes[-1]


def _stop(workers: list[BaseProcess], root: Path) -> None:
    for worker in workers:
        if worker.pid is None:  # interrupted before its start
            continue
        worker.terminate()
        worker.join()
        remove_unfinished(root, worker.pid)


def _start_worker(double_precision: bool) -> None:
    # Ctrl-C is the parent's to handle: it stops the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    # By default a lock between processes, which a worker that is stopped would leave behind.
    tqdm.set_lock(threading.RLock())
    jax.config.update("jax_enable_x64", double_precision)


def _make(plan: Plan, root: Path, index: int, progress: bool) -> str | None:
    """Make and store one sample; the reason if that fails."""
    try:
        provenance = {"recipe_hash": settings_hash(plan.settings()), "index": index}
        plan.make(index, _path(root, plan, index), provenance, progress)
    except Exception as error:  # one bad sample must not end a night's work; its reason is reported
        return f"{type(error).__name__}: {error}"
    return None
