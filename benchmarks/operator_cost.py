"""What applying and training one model costs."""

import functools
import statistics
import time
from collections.abc import Callable
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from operator_sizes import sizes

MEBIBYTE = 2**20
SECONDS = 10.0
MAX_REPEATS = 20


def cost(name: str, quick: bool) -> dict[str, object]:
    """Parameters, milliseconds and memory of one model, with one sample a batch.

    `peak_mib` is, on a GPU, the largest amount in use that the device has seen; elsewhere what the compiled training
    step asks for.
    """
    case = sizes(quick)[name]
    arrays, static = eqx.partition(drawn(case.make), eqx.is_array)
    u = jnp.asarray(np.random.default_rng(1).normal(size=(1, case.channels, *case.grid)), jnp.float32)
    forward = jax.jit(functools.partial(apply, static)).lower(arrays, u).compile()
    seconds = 0.3 if quick else SECONDS
    forward_ms = milliseconds(lambda: forward(arrays, u), seconds)
    step = Training(arrays, static, u, 1.1 * forward(arrays, u))
    train_ms = milliseconds(step, seconds)
    device = jax.devices()[0].memory_stats()
    return {
        "params": sum(leaf.size for leaf in jax.tree.leaves(arrays)),
        "forward_ms": round(statistics.median(forward_ms), 1),
        "train_ms": round(statistics.median(train_ms), 1),
        "peak_mib": round(device["peak_bytes_in_use"] / MEBIBYTE) if device else round(step.mebibytes),
        "grid": case.grid,
        "repeats": {"forward": len(forward_ms), "train": len(train_ms)},
    }


def checkpointing(quick: bool) -> dict[str, object]:
    """Memory of a training step of an iterated model [MiB]: with its checkpoints, and with everything kept."""
    case = sizes(quick)["IFactFormer"]
    arrays, static = eqx.partition(drawn(case.make), eqx.is_array)
    u = jnp.zeros((1, case.channels, *case.grid))
    checkpointed = Training(arrays, static, u, u).mebibytes
    with mock.patch("jax.checkpoint", lambda function: function):
        plain = Training(arrays, static, u, u).mebibytes
    return {"grid": case.grid, "peak_mib": round(checkpointed), "plain_mib": round(plain)}


def drawn(make: Callable[[jax.Array], Callable]) -> Callable:
    """A model with small random numbers in all its arrays: nothing is compiled to draw them."""
    random = np.random.default_rng(0)

    def draw(leaf: object) -> object:
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf
        return jnp.asarray(0.05 * random.standard_normal(leaf.shape, np.float32), leaf.dtype)

    return jax.tree.map(draw, eqx.filter_eval_shape(make, jax.random.key(0)))


def apply(static: Callable, arrays: Callable, u: jax.Array) -> jax.Array:
    return jax.vmap(eqx.combine(arrays, static))(u)


class Training:
    """Steps of Adam down the slope of the relative L2 error; every call is one, in the memory of the one before."""

    def __init__(self, arrays: Callable, static: Callable, u: jax.Array, target: jax.Array):
        optimiser, axes = optax.adam(1e-4), tuple(range(1, target.ndim))

        def loss(arrays, u, target):
            error = jnp.sum((apply(static, arrays, u) - target) ** 2, axes) / jnp.sum(target**2, axes)
            return jnp.mean(jnp.sqrt(error))

        def step(arrays, moments, u, target):
            value, slope = jax.value_and_grad(loss)(arrays, u, target)
            update, moments = optimiser.update(slope, moments)
            return value, optax.apply_updates(arrays, update), moments

        self.state, self.sample = jax.tree.map(jnp.copy, (arrays, optimiser.init(arrays))), (u, target)
        self.step = jax.jit(step, donate_argnums=(0, 1)).lower(*self.state, *self.sample).compile()

    def __call__(self) -> jax.Array:
        value, *self.state = self.step(*self.state, *self.sample)
        return value

    @property
    def mebibytes(self) -> float:
        """What the compiled step asks for: arguments, results that are not written over them, everything between."""
        size = self.step.memory_analysis()
        bytes_ = size.argument_size_in_bytes + size.output_size_in_bytes - size.alias_size_in_bytes
        return (bytes_ + size.temp_size_in_bytes) / MEBIBYTE


def milliseconds(run: Callable[[], jax.Array], seconds: float) -> list[float]:
    """Of repeated calls, until they have taken `seconds`; the first is not counted, unless it took longer than that."""
    first = timed(run)
    if first > 1e3 * seconds:
        return [first]
    times = [timed(run)]
    while sum(times) < 1e3 * seconds and len(times) < MAX_REPEATS:
        times.append(timed(run))
    return times


def timed(run: Callable[[], jax.Array]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(run())
    return 1e3 * (time.perf_counter() - start)
