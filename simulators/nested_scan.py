"""Repeat a step many times, with a choice of memory against time in reverse-mode differentiation."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

Carry = TypeVar("Carry")


def nested_scan(
    step: Callable[[Carry], tuple[Carry, PyTree]], carry: Carry, num_steps: int, levels: int = 0
) -> tuple[Carry, PyTree]:
    """`num_steps` repetitions of `carry, record = step(carry)`; the records are stacked.

    With `levels` of nesting the loop is cut into about `num_steps^(1 / (levels + 1))` pieces at each level, and going
    backwards each piece is run again instead of having kept what it computed:

        memory ~ (levels + 1) num_steps^(1 / (levels + 1)) states,   time ~ (levels + 2) forward runs + backward

    **Arguments:**

    - `step`: function of the carried state.
    - `carry`: the first state.
    - `num_steps`: number of repetitions.
    - `levels`: 0 keeps everything; 1 or 2 serve for thousands of steps.

    **Returns:** the last state and the stacked records.

    Source: Griewank and Walther, ACM Trans. Math. Softw. 26, 2000, doi:10.1145/347837.347846 (the idea; here the
    pieces are of equal length).
    """
    if levels == 0 or num_steps < 4:
        return jax.lax.scan(lambda state, _: step(state), carry, None, length=num_steps)
    length = round(num_steps ** (levels / (levels + 1)))
    pieces, rest = divmod(num_steps, length)

    @partial(jax.checkpoint, prevent_cse=False)  # a scan cannot merge what is run again
    def piece(state: Carry) -> tuple[Carry, PyTree]:
        return nested_scan(step, state, length, levels - 1)

    carry, records = jax.lax.scan(lambda state, _: piece(state), carry, None, length=pieces)
    records = jax.tree.map(lambda record: record.reshape((pieces * length, *record.shape[2:])), records)
    if rest == 0:
        return carry, records
    carry, tail = nested_scan(step, carry, rest, levels - 1)
    return carry, jax.tree.map(lambda first, last: jnp.concatenate([first, last]), records, tail)
