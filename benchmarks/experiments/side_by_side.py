"""Several small trainings at once: on two cores, two with one thread each end sooner than one after the other."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_ONE_THREAD = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "NPROC": "1",  # the size of XLA's pool of threads
    "OMP_NUM_THREADS": "1",
}


def side_by_side(function: Callable[[Task], Answer], tasks: Sequence[Task], num_workers: int) -> list[Answer]:
    """`[function(task) for task in tasks]`, computed by `num_workers` processes of one thread each.

    **Arguments:**

    - `function`: of a module, as processes import it by name.
    - `tasks`: what can be pickled; the longest had better come first.
    - `num_workers`: 1 computes in this process with all its threads, as a GPU wants it.

    **Raises:** what `function` raises, once the tasks in progress have ended.
    """
    if num_workers == 1 or len(tasks) < 2:
        return [function(task) for task in tasks]
    # Processes that begin anew, since JAX has threads already; they take their settings from the environment.
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        with ProcessPoolExecutor(num_workers, multiprocessing.get_context("spawn")) as pool:
            try:
                return list(pool.map(function, tasks))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
