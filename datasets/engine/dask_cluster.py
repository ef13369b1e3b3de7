"""Jobs on a cluster of Dask workers."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fieldcast.datasets.engine.executor import Executor
from fieldcast.datasets.engine.job import Job
from fieldcast.datasets.engine.slurm import SlurmRequest
from fieldcast.datasets.engine.worker_process import WorkerProcess


@dataclass(frozen=True)
class DaskCluster(Executor):
    """Jobs on the workers of a Dask scheduler that is running.

    All workers must see the dataset's folder. A worker that dies loses nothing: its job is done again by another. With
    a `timeout`, each worker's jobs run in a child process of it, so the workers must be allowed to have children: start
    them with `DASK_DISTRIBUTED__WORKER__DAEMON=False` in the environment.

    **Arguments:**

    - `address`: of the scheduler, such as `tcp://node01:8786`.
    - `timeout`: seconds after which a job is killed and counts as failed.
    """

    address: str
    timeout: float | None = None

    def run(self, job: Job, indices: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        with _distributed().Client(self.address) as client:
            yield from _run(client, job, indices, self.timeout)


@dataclass(frozen=True)
class SlurmCluster(Executor):
    """Jobs on Dask workers that are SLURM jobs, submitted now and cancelled at the end; one that dies is replaced.

    **Arguments:** `request`: how many, and what each gets; `timeout`: as for `DaskCluster`.
    """

    request: SlurmRequest
    timeout: float | None = None

    def run(self, job: Job, indices: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        distributed = _distributed()
        with _slurm_cluster(self.request) as cluster, distributed.Client(cluster) as client:
            # Unlike `scale`, this replaces workers that are lost.
            cluster.adapt(minimum_jobs=self.request.jobs, maximum_jobs=self.request.jobs)
            yield from _run(client, job, indices, self.timeout)


def _run(client: Any, job: Job, indices: Sequence[int], timeout: float | None) -> Iterator[tuple[int, str | None]]:
    task = job if timeout is None else _WithTimeout(job, timeout)
    keys = {f"{job.plan.sample_name}-{job.recipe_hash}-{index}": index for index in indices}
    distributed = _distributed()
    for future in distributed.as_completed(client.map(task, indices, key=list(keys))):
        try:
            yield keys[future.key], future.result()
        except distributed.KilledWorker as error:  # a job that took several workers with it
            yield keys[future.key], f"KilledWorker: {error}"


@dataclass(frozen=True)
class _WithTimeout:
    """A job that is killed after some seconds. Its process lives on from job to job of one thread of a worker."""

    job: Job
    timeout: float

    def __call__(self, index: int) -> str | None:
        worker = getattr(_THREAD, "worker", None)
        if worker is None or worker.job != self.job:
            if worker is not None:
                worker.stop()
            worker = _THREAD.worker = WorkerProcess(self.job)
        return worker.run(index, self.timeout)


_THREAD = threading.local()


def _distributed() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        raise ImportError("Dask is not installed; install it with: pip install 'fieldcast[cluster]'") from error
    # News of every connection would break up the progress bar.
    logging.getLogger("distributed").setLevel(logging.WARNING)
    return distributed


def _slurm_cluster(request: SlurmRequest) -> Any:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise ImportError(
            "dask-jobqueue is not installed; install it with: pip install 'fieldcast[cluster]'"
        ) from error
    return SLURMCluster(
        queue=request.partition,
        account=request.account,
        walltime=request.time,
        cores=1,  # a worker does one job at a time
        processes=1,
        job_cpu=request.cpus,
        memory=request.memory,
        job_extra_directives=request.directives(),
        job_script_prologue=["export DASK_DISTRIBUTED__WORKER__DAEMON=False"],
    )
