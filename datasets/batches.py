"""Batches for training: shuffled, the same in every run, and resumable at any step.

Built on grain's `MapDataset`, whose elements are functions of their number. The samples of an endless training have
numbers: epoch `e` of a source of `n` samples has the numbers `e n .. (e + 1) n - 1`, in an order of its own, and batch
`s` of size `b` is made of the numbers `s b .. (s + 1) b - 1`. Epochs follow each other without a gap, so that every
batch is full and every sample comes exactly once an epoch.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import grain
import numpy as np
from jaxtyping import PyTree


@runtime_checkable
class Source(Protocol):
    """Samples by their index. `__getitem__` is called from several threads at once."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@runtime_checkable
class Batches(Protocol):
    """What a training takes: batches without end, each by the number of its step."""

    def from_step(self, step: int) -> Iterator[PyTree[np.ndarray]]:
        """The batches number `step`, `step + 1`, ...: the same ones wherever the iteration begins."""


@dataclass(frozen=True)
class NumberedBatches:
    """Batches that grain finds by their number; made by `shuffled_batches` and `mixed_batches`.

    **Arguments:**

    - `dataset`: gives each batch by its number.
    - `num_threads`: how many make batches ahead of their use; with 0 each is made when it is asked for.
    """

    dataset: grain.MapDataset
    num_threads: int

    def from_step(self, step: int) -> Iterator[PyTree[np.ndarray]]:
        """The batches number `step`, `step + 1`, ...: the same ones wherever the iteration begins.

        An error of the source is raised where its batch would have come, and ends the iteration.

        **Raises:** `ValueError` when `step` is negative.
        """
        if step < 0:
            raise ValueError(f"Steps are counted from 0, got {step}.")
        return self._iterate(step)

    def _iterate(self, step: int) -> Iterator[PyTree[np.ndarray]]:
        options = grain.ReadOptions(num_threads=self.num_threads, prefetch_buffer_size=2 * self.num_threads)
        batches = iter(self.dataset[step:].to_iter_dataset(options))
        try:
            yield from batches
        finally:
            batches.close()


def shuffled_batches(
    source: Source,
    batch_size: int,
    seed: int,
    *,
    transform: Callable[[Any, np.random.Generator], PyTree[np.ndarray]] | None = None,
    num_threads: int = 2,
    host_index: int = 0,
    num_hosts: int = 1,
) -> NumberedBatches:
    """Batches of all samples of `source`, shuffled anew each epoch; a function of the seed and the step alone.

    **Arguments:**

    - `source`: the samples: arrays, or pytrees of arrays, of equal shapes.
    - `batch_size`: of all hosts together.
    - `seed`: of the order and of the randomness of `transform`.
    - `transform`: called with each sample and a generator of random numbers of its own, which depends on the seed and
      the number of the sample (thus on the epoch), but not on the batch size, the threads or the hosts.
    - `num_threads`: how many make batches ahead of their use, two each; 0 for a source in memory. Reading HDF5 has a
      lock, so that more threads help only a `transform` that leaves Python's lock.
    - `host_index`, `num_hosts`: this process gets the part `host_index` of every batch. The parts in the order of the
      hosts are the batch of a single host.

    **Raises:** `ValueError` when the source is empty, or the batch cannot be divided among the hosts.
    """
    if len(source) == 0:
        raise ValueError("The source has no samples to make batches of.")
    if batch_size < 1 or num_hosts < 1 or batch_size % num_hosts:
        raise ValueError(f"A batch of {batch_size} samples cannot be divided evenly among {num_hosts} hosts.")
    if not 0 <= host_index < num_hosts:
        raise ValueError(f"Hosts are counted from 0 to {num_hosts - 1}, got {host_index}.")
    samples = grain.MapDataset.source(_Epochs(source, seed))
    if transform is not None:
        samples = samples.random_map(transform, seed=int(np.random.SeedSequence(seed).generate_state(1)[0]))
    parts = samples.batch(batch_size // num_hosts, drop_remainder=True)
    return NumberedBatches(parts[host_index::num_hosts], num_threads)


def mixed_batches(sets: Sequence[NumberedBatches], weights: Sequence[float] | None = None) -> NumberedBatches:
    """Batches of several sets, each from one of them: of several resolutions, or of several flows.

    The sets take turns as evenly as their weights allow, without randomness: of any number of batches from the first
    on, each set has given its share to within one batch a set.

    **Arguments:**

    - `sets`: made by `shuffled_batches`.
    - `weights`: how often each set has its turn, relative to the others, to a hundredth of the smallest weight;
      equally often by default.

    **Raises:** `ValueError` when there are no sets, or as many positive weights are not given.
    """
    weights = [1.0] * len(sets) if weights is None else weights
    if not sets or len(weights) != len(sets) or min(weights) <= 0:
        raise ValueError(f"Mixing takes a positive weight for every set, got {len(sets)} sets and weights {weights}.")
    datasets = [batches.dataset for batches in sets]
    return NumberedBatches(grain.MapDataset.mix(datasets, weights), max(batches.num_threads for batches in sets))


class _Epochs:
    """The samples of an endless training by their number.

    Not grain's own shuffling and repeating: it takes milliseconds an index where there are fewer than a hundred
    samples, and its epoch 1 by seed 0 is epoch 0 by seed 1.
    """

    def __init__(self, source: Source, seed: int):
        self._source = source
        # Two epochs: threads work on both at the end of one.
        self._order = lru_cache(maxsize=2)(lambda epoch: np.random.default_rng([seed, epoch]).permutation(len(source)))

    def __len__(self) -> int:
        return sys.maxsize

    def __getitem__(self, number: int) -> Any:
        epoch, place = divmod(number, len(self._source))
        return self._source[int(self._order(epoch)[place])]
