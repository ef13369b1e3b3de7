"""Many steps in one compiled loop."""

from collections.abc import Callable

from jaxtyping import PyTree

from fieldcast.simulators.nested_scan import nested_scan
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
    for name, number in (("num_steps", num_steps), ("inner_steps", inner_steps)):
        if number < 1:
            raise ValueError(f"A rollout needs {name} of at least 1, got {number}.")
    if record is None:
        record = step.decode if isinstance(step, Stepper) else lambda state: state

    def recorded(state: State) -> tuple[State, PyTree]:
        state, _ = nested_scan(lambda inner: (step(inner), None), state, inner_steps, levels)
        return state, record(state)

    return lambda state: nested_scan(recorded, state, num_steps, levels)
