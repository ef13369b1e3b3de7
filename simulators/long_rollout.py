"""Thousands of steps in constant memory, watched, and stopped when the flow blows up."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, PyTree
from tqdm import tqdm

from fieldcast.simulators.rollout import default_record, updated
from fieldcast.simulators.stability import Watch, all_finite
from fieldcast.simulators.statistic import Statistic
from fieldcast.simulators.stepper import State


@dataclass(frozen=True)
class LongRollout:
    """What is left of a long rollout.

    - `state`: the last healthy one.
    - `statistics`: of the records of all healthy steps.
    - `num_steps`: how many steps were healthy.
    - `blow_up_step`: the number of the first step (from 1) that was not, if there was one.
    - `reason`: what was wrong with it.
    - `history`: what was asked to be kept of every healthy step, stacked; `None` if the first step raised an error.
    """

    state: State
    statistics: PyTree[Statistic]
    num_steps: int
    blow_up_step: int | None
    reason: str | None
    history: PyTree[np.ndarray]


def long_rollout(
    step: Callable[[State], State],
    state: State,
    num_steps: int,
    statistics: PyTree[Statistic] = None,
    *,
    watch: Watch = all_finite,
    record: Callable[[State], Any] | None = None,
    history: Callable[[Any], PyTree] = lambda fields: None,
    chunk: int = 100,
    progress: bool = False,
) -> LongRollout:
    """Roll out step by step, gather statistics on the way, and stop at the first step that is not healthy.

        state_n = step(state_{n-1}),   record_n = record(state_n),   statistics_n = statistics_{n-1}.update(record_n)

    as long as `watch(record_n)` holds. One compiled loop serves all chunks, and solvers, closures and surrogates alike:
    what blows up costs no step more, and memory does not grow with the number of steps (but for `history`). A step that
    raises an error, as `Stride` does when its flow blows up, counts as one that is not healthy.

    **Arguments:**

    - `step`: a `Stepper`, or any function from state to state. For several steps a record, pass `FixedSteps`.
    - `state`: the first one; it is not recorded.
    - `num_steps`: how many.
    - `statistics`: what to gather: one `Statistic`, any pytree of them, or none.
    - `watch`: what is healthy: everything finite, or `BoundedVariance`.
    - `record`: as in `rollout`; by default the fields.
    - `history`: function of a record whose values, small ones such as an energy, are kept for every step.
    - `chunk`: steps from one look of the host to the next: of its progress bar.
    - `progress`: show a bar.
    """
    for name, number in (("num_steps", num_steps), ("chunk", chunk)):
        if number < 1:
            raise ValueError(f"A long rollout needs {name} of at least 1, got {number}.")
    program = _Program(step, record or default_record(step), watch, history, min(chunk, num_steps))
    pieces: list[PyTree] = []
    done, reason = 0, None
    with tqdm(total=num_steps, desc="roll out", unit="step", disable=not progress, leave=False) as bar:
        while done < num_steps and reason is None:
            state, statistics, reason = _attempt(program, state, statistics, min(chunk, num_steps - done), pieces)
            done = sum(count for count, _ in pieces)
            bar.update(done - bar.n)
    kept = [jax.tree.map(lambda leaf, count=count: np.asarray(leaf)[:count], piece) for count, piece in pieces]
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *kept) if kept else None
    return LongRollout(state, statistics, done, None if reason is None else done + 1, reason, joined)


class _Program(eqx.Module):
    """A chunk of a long rollout."""

    step: Callable[[State], State]
    record: Callable[[State], Any]
    watch: Watch
    history: Callable[[Any], PyTree]
    chunk: int = eqx.field(static=True)

    @eqx.filter_jit
    def __call__(
        self, state: State, statistics: PyTree[Statistic], limit: Int[Array, ""]
    ) -> tuple[State, PyTree[Statistic], Int[Array, ""], Bool[Array, ""], PyTree]:
        """Up to `limit` steps, of which so many are healthy; whether all of them were; and their history."""
        shapes = eqx.filter_eval_shape(lambda s: self.history(self.record(self.step(s))), state)
        room = jax.tree.map(lambda leaf: jnp.zeros((self.chunk, *leaf.shape), leaf.dtype), shapes)

        def going(carry):
            return carry[3] & (carry[2] < limit)

        def body(carry):
            old, statistics, number, _, kept = carry
            new = self.step(old)
            fields = self.record(new)
            healthy = self.watch(fields)
            state = jax.tree.map(lambda a, b: jnp.where(healthy, a, b), new, old)
            statistics = jax.lax.cond(healthy, lambda: updated(statistics, fields), lambda: statistics)
            # What an unhealthy step writes lies beyond the number of healthy ones.
            kept = jax.tree.map(lambda all_of_them, one: all_of_them.at[number].set(one), kept, self.history(fields))
            return state, statistics, number + healthy.astype(number.dtype), healthy, kept

        return jax.lax.while_loop(going, body, (state, statistics, jnp.zeros_like(limit), jnp.asarray(True), room))


def _attempt(
    program: _Program, state: State, statistics: PyTree[Statistic], limit: int, pieces: list[PyTree]
) -> tuple[State, PyTree[Statistic], str | None]:
    """Take up to `limit` steps and append their number and history; where one raises an error, halve the distance."""
    try:
        state, statistics, number, healthy, kept = program(state, statistics, jnp.asarray(limit))
        pieces.append((int(number), kept))
        return state, statistics, None if healthy else "its fields are not finite, or beyond what is watched for"
    except eqx.EquinoxRuntimeError as error:
        if limit == 1:
            return state, statistics, _message(error)
    state, statistics, reason = _attempt(program, state, statistics, limit // 2, pieces)
    if reason is not None:
        return state, statistics, reason
    return _attempt(program, state, statistics, limit - limit // 2, pieces)


def _message(error: Exception) -> str:
    """What an error says, without the stack that equinox writes around it."""
    found = re.search(r"EquinoxRuntimeError: (.+)", str(error))
    return found[1] if found else str(error)
