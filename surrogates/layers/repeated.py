"""The same step many times."""

from collections.abc import Callable

import jax
from jaxtyping import Array


def repeated(step: Callable[[Array], Array], x: Array, num_times: int) -> Array:
    """`step(... step(x))`, `num_times`; a gradient keeps the states in between and computes the rest again."""
    checkpointed = jax.checkpoint(step)
    x, _ = jax.lax.scan(lambda x, _: (checkpointed(x), None), x, length=num_times)
    return x
