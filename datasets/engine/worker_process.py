"""A process that does one job after the other, and can be killed at any moment."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from tqdm import tqdm

from fieldcast.datasets.atomic import remove_unfinished
from fieldcast.datasets.engine.job import Job

_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
_STARTING = threading.Lock()


class WorkerProcess:
    """Does jobs in a process of its own, which lives on from job to job, so that a program is compiled once.

    A process that dies, or that is killed because its job takes too long, is replaced at the next job.

    **Arguments:**

    - `job`: what is done.
    - `environment`: variables that the process finds before it starts JAX.
    """

    def __init__(self, job: Job, environment: dict[str, str] | None = None):
        self.job = job
        self._environment = environment or {}
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._stopped = False

    def run(self, index: int, timeout: float | None = None) -> str | None:
        """Do the job for `index`; the reason if it failed, died, or took longer than `timeout` [s]."""
        if self._process is None:
            self._start()
        process = self._process
        try:
            self._connection.send(index)
            if self._connection.poll(timeout):
                return self._connection.recv()
            reason = f"TimeoutError: not done after {timeout:g} s"
        except (EOFError, OSError):
            process.join()
            reason = f"its process died ({_cause(process.exitcode)})"
        self._kill()
        return reason

    def stop(self) -> None:
        """Kill the process, whatever it does; none is started any more. A job can be begun again."""
        with _STARTING:
            self._stopped = True
        self._kill()

    def _start(self) -> None:
        if multiprocessing.current_process().daemon:
            raise RuntimeError(
                "This process may not have children, which a time-out needs. Start Dask workers with "
                "DASK_DISTRIBUTED__WORKER__DAEMON=False in their environment."
            )
        context = _context()
        self._connection, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.job, self._environment))
        # One at a time, because the environment is this whole process's.
        with _STARTING, _environment(_ONE_THREAD | self._environment):
            if self._stopped:
                raise RuntimeError("The worker was stopped.")
            process.start()
            self._process = process
        theirs.close()
        try:
            self._connection.recv()  # it is ready: what importing takes is not the job's time
        except EOFError as error:
            process.join()
            self._process = None
            raise RuntimeError(
                f"A worker process ended at its start ({_cause(process.exitcode)}); what it printed says why. A script "
                'that starts workers needs `if __name__ == "__main__":` around its work.'
            ) from error

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.join()
        self._connection.close()
        remove_unfinished(self.job.root, process.pid)


def _context() -> multiprocessing.context.BaseContext:
    """Processes that are not forks of this one, whose threads (JAX's) hold locks that a fork would inherit for ever.

    Where there are fork servers, one imports the library once for all workers.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fieldcast.datasets"])
    return context


def _serve(connection: Connection, job: Job, environment: dict[str, str]) -> None:
    # Ctrl-C is the parent's to handle: it stops the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # By default a lock between processes, which a worker that is killed would leave behind.
    tqdm.set_lock(threading.RLock())
    connection.send("ready")
    while True:
        try:
            index = connection.recv()
        except EOFError:
            return
        connection.send(job(index))


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Variables that a process started within inherits."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}; out of memory?"
    return f"exit code {exit_code}"
