"""Jobs side by side in processes of this machine."""

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue

from fieldcast.datasets.engine.devices import visible_devices, worker_environment
from fieldcast.datasets.engine.executor import Executor
from fieldcast.datasets.engine.job import Job
from fieldcast.datasets.engine.worker_process import WorkerProcess


@dataclass(frozen=True)
class LocalProcesses(Executor):
    """Jobs in processes of this machine, each of which does one after the other.

    Where there are GPUs, each process uses one of them.

    **Arguments:**

    - `num_workers`: how many processes.
    - `timeout`: seconds after which a job is killed and counts as failed; its compilation counts.
    """

    num_workers: int
    timeout: float | None = None

    def __post_init__(self):
        if self.num_workers < 1 or (self.timeout is not None and self.timeout <= 0):
            raise ValueError(f"There must be at least one worker, and a positive time-out, got {self}.")

    def run(self, job: Job, indices: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        devices = visible_devices()
        workers = [
            WorkerProcess(job, worker_environment(rank, self.num_workers, devices)) for rank in range(self.num_workers)
        ]
        idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        for worker in workers:
            idle.put(worker)

        def task(index: int) -> str | None:
            worker = idle.get()
            try:
                return worker.run(index, self.timeout)
            finally:
                idle.put(worker)

        # A thread a process: all it does is wait.
        pool = ThreadPoolExecutor(self.num_workers)
        with _interrupted_once():
            try:
                futures = {pool.submit(task, index): index for index in indices}
                for future in as_completed(futures):
                    yield futures[future], future.result()
            finally:  # Ctrl-C, above all: a job may be hours from its end, and can be begun again
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in workers:
                    worker.stop()
                pool.shutdown()


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """A second Ctrl-C does not interrupt what the first one stops: it would leave workers behind."""

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # where Python handles no signals
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
