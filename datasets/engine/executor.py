"""Who does the jobs."""

import abc
from collections.abc import Iterator, Sequence

from fieldcast.datasets.engine.job import Job


class Executor(abc.ABC):
    """Does jobs, somewhere."""

    @abc.abstractmethod
    def run(self, job: Job, indices: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        """Do `job` for every index; yield each index as it ends, in any order, with the reason if it failed.

        Closing the iterator early stops what still runs.
        """


class InProcess(Executor):
    """One job after the other, in this process; each shows its own progress."""

    def run(self, job: Job, indices: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        for index in indices:
            yield index, job(index, progress=True)
