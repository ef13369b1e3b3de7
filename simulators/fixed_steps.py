"""A fixed interval in a fixed number of steps."""

import equinox as eqx
from jaxtyping import Array, Float

from fieldcast.simulators.nested_scan import nested_scan
from fieldcast.simulators.stepper import State, Stepper


class FixedSteps(Stepper):
    """Several steps as one.

    **Arguments:** `step`, and `num_steps` of it.
    """

    step: Stepper
    num_steps: int = eqx.field(static=True)

    def __check_init__(self):
        if self.num_steps < 1:
            raise ValueError(f"At least one step is needed, got {self.num_steps}.")

    @property
    def dt(self) -> float:
        return self.num_steps * self.step.dt

    def __call__(self, state: State) -> State:
        return nested_scan(lambda inner: (self.step(inner), None), state, self.num_steps)[0]

    def encode(self, fields: Float[Array, "channel *space"]) -> State:
        return self.step.encode(fields)

    def decode(self, state: State) -> Float[Array, "channel *space"]:
        return self.step.decode(state)
