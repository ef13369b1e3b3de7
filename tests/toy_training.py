"""The smallest thing that can be trained: a perceptron that learns a wave; also for the processes that tests start."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np

from fieldcast.surrogates.training import Placement, TrainingRecipe, fit

RECIPE = TrainingRecipe(num_steps=12, batch_size=16, learning_rate=1e-2, validate_every=4, averaging=0.9)


class Perceptron(eqx.Module):
    weight: jax.Array
    bias: jax.Array
    out: jax.Array

    def __call__(self, x):
        return jnp.sum(self.out * jnp.tanh(self.weight * x + self.bias))


def fresh() -> Perceptron:
    return Perceptron(*(jrandom.normal(key, (32,), dtype=float) for key in jrandom.split(jrandom.key(7), 3)))


def objective(model, sample, key):
    """The sample's error, at a place that is moved a little at random."""
    x, y = sample
    return (model(x + 1e-3 * jrandom.normal(key, (), dtype=float)) - y) ** 2


class Waves:
    """Random places and the wave's values there; before step `last`, where there is one, `end` is called."""

    def __init__(self, last: int | None = None, end: Callable[[], None] = lambda: None):
        self.last, self.end = last, end

    def from_step(self, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        while True:
            if step == self.last:
                self.end()
            x = np.random.default_rng([3, step]).uniform(-1.0, 1.0, RECIPE.batch_size).astype(np.float32)
            yield x, np.sin(3.0 * x)
            step += 1


class DiskGoneError(Exception):
    """What a source of samples may raise."""


def fail() -> None:
    raise DiskGoneError


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def validate(model) -> dict[str, float]:
    x = np.linspace(-1.0, 1.0, 32, dtype=np.float32)
    return {"error": float(jnp.sqrt(jnp.mean((jax.vmap(model)(x) - np.sin(3.0 * x)) ** 2)))}


def run(folder: Path, recipe: TrainingRecipe = RECIPE, batches=None, **settings) -> Perceptron:
    return fit(fresh(), objective, batches or Waves(), validate, recipe, folder, **settings)


def largest_difference(first, second) -> float:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return max(float(np.max(np.abs(np.asarray(a) - np.asarray(b)))) for a, b in pairs)


def _compare_devices(folder: Path) -> None:
    """Print how far training on eight devices, with whole and with divided weights, is from training on one."""
    one = run(folder / "one", placement=Placement(tuple(jax.devices()[:1])))
    assert len(jax.devices()) == 8
    whole = run(folder / "whole")
    divided = run(folder / "divided", placement=Placement(shard_weights=True))
    assert Placement(shard_weights=True).place(fresh()).weight.sharding.shard_shape((32,)) == (4,)
    # Begun on eight devices, ended on one.
    moved = folder / "moved"
    with contextlib.suppress(DiskGoneError):
        run(moved, batches=Waves(6, fail), placement=Placement(shard_weights=True))
    resumed = run(moved, placement=Placement(tuple(jax.devices()[:1])))
    print(*(largest_difference(one, other) for other in (whole, divided, resumed)))


class PartOfWaves(Waves):
    """This host's part of every batch, one of two."""

    def from_step(self, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        half = RECIPE.batch_size // 2
        mine = slice(half * jax.process_index(), half * (1 + jax.process_index()))
        yield from ((x[mine], y[mine]) for x, y in super().from_step(step))


def _train_on_a_host(folder: Path, address: str, host: str) -> None:
    """Train as one of two hosts, with weights spread over both, and print the sum of the weights' squares."""
    jax.distributed.initialize(address, num_processes=2, process_id=int(host))
    model = run(folder, batches=PartOfWaves(), placement=Placement(shard_weights=True))
    print(sum_of_squares(model))


def sum_of_squares(model) -> float:
    return sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(model))


if __name__ == "__main__":
    task, folder, *further = sys.argv[1:]
    if task == "devices":
        _compare_devices(Path(folder))
    elif task == "host":
        _train_on_a_host(Path(folder), *further)
    else:
        run(Path(folder), batches=Waves(int(task), die))
