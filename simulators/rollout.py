"""Many steps in one compiled loop."""

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import PyTree

from fieldcast.simulators.nested_scan import nested_scan
from fieldcast.simulators.statistic import Statistic
from fieldcast.simulators.stepper import State, Stepper


def rollout(
    step: Callable[[State], State],
    num_steps: int,
    inner_steps: int = 1,
    record: Callable[[State], PyTree] | None = None,
    levels: int = 0,
) -> Callable[[State], tuple[State, PyTree]]:
    """A function that repeats a step and keeps a record of the way.

        state_n = step(step(... step(state_0))),   record_n = record(state_n),   n = 1 ... num_steps

    It never asks whether `step` solves equations or was learned. `jax.vmap` of the result rolls out an ensemble.

    **Arguments:**

    - `step`: a `Stepper`, or any function from state to state.
    - `num_steps`: number of records.
    - `inner_steps`: steps from one record to the next.
    - `record`: what to keep of a state: a plane, a reduction, everything; by default its fields (`step.decode`), or
      the state itself where `step` is a mere function.
    - `levels`: of checkpoints in reverse-mode differentiation (`nested_scan`): 0 keeps everything, 1 or 2 save memory
      in long rollouts.

    **Returns:** a function from the first state to the last one and the stacked records (the first state's own is not
    among them).
    """
    record = _checked_record(step, num_steps, inner_steps, record)

    def recorded(state: State) -> tuple[State, PyTree]:
        state, _ = nested_scan(lambda inner: (step(inner), None), state, inner_steps, levels)
        return state, record(state)

    return lambda state: nested_scan(recorded, state, num_steps, levels)


def accumulate(
    step: Callable[[State], State],
    num_steps: int,
    inner_steps: int = 1,
    record: Callable[[State], Any] | None = None,
    levels: int = 0,
) -> Callable[[State, PyTree[Statistic]], tuple[State, PyTree[Statistic]]]:
    """A rollout whose records go into statistics, one after the other, and are not kept.

        statistic_n = statistic_{n-1}.update(record_n)

    **Arguments:** those of `rollout`; `num_steps` is the number of updates.

    **Returns:** a function from the first state and the statistics so far to the last state and the statistics. These
    are one `Statistic` or any pytree of them (a tuple, a dictionary), all of which see every record.
    """
    record = _checked_record(step, num_steps, inner_steps, record)

    def accumulated(carry: tuple[State, PyTree]) -> tuple[tuple[State, PyTree], None]:
        state, statistics = carry
        state, _ = nested_scan(lambda inner: (step(inner), None), state, inner_steps, levels)
        return (state, updated(statistics, record(state))), None

    return lambda state, statistics: nested_scan(accumulated, (state, statistics), num_steps, levels)[0]


def updated(statistics: PyTree[Statistic], fields: Any) -> PyTree[Statistic]:
    """All of the statistics, each with one more set of fields."""
    return jax.tree.map(lambda each: each.update(fields), statistics, is_leaf=lambda node: isinstance(node, Statistic))


def default_record(step: Callable[[State], State]) -> Callable[[State], Any]:
    """What is kept of a state unless asked otherwise: its fields, or itself where `step` is a mere function."""
    return step.decode if isinstance(step, Stepper) else _itself


def _itself(state: State) -> State:
    return state


def _checked_record(
    step: Callable[[State], State], num_steps: int, inner_steps: int, record: Callable[[State], Any] | None
) -> Callable[[State], Any]:
    """`record`, or its default, once the numbers of steps are known to make sense."""
    for name, number in (("num_steps", num_steps), ("inner_steps", inner_steps)):
        if number < 1:
            raise ValueError(f"A rollout needs {name} of at least 1, got {number}.")
    return default_record(step) if record is None else record
