"""A solver whose every step is corrected by a network, and how the network learns inside of it."""

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.simulators.stepper import State, Stepper
from fieldcast.surrogates.training.objectives import StepperObjective
from fieldcast.surrogates.wrappers import Model


class CorrectedStepper(Stepper):
    """A coarse solver's step, and what a model adds to it.

        u_{n+1} = v + model(v),   v = solver(u_n)

    **Arguments:** `solver`: a stepper of the equations, with the state and the time step that this one has too;
    `model`: from fields to fields of the same channels.

    Um et al. 2020, arXiv:2007.00016.
    """

    solver: Stepper
    model: Model

    @property
    def dt(self) -> float:
        return self.solver.dt

    @property
    def history(self) -> int:
        """How many snapshots make a state."""
        return 1

    def __call__(self, state: State) -> State:
        fields = self.decode(self.solver(state))
        return self.encode(fields + self.model(fields))

    def encode(self, fields: Float[Array, "channel *space"]) -> State:
        return self.solver.encode(fields)

    def start(self, frames: Float[Array, "time channel *space"]) -> State:
        """The state of the last of these snapshots."""
        return self.encode(frames[-1])

    def decode(self, state: State) -> Float[Array, "channel *space"]:
        return self.solver.decode(state)


class InTheLoop(eqx.Module):
    """An objective of a correction: that of the corrected solver, through whose steps the gradient flows.

    What is trained is the model alone; the numbers of the solver stay as they are.

    **Arguments:** `solver`, and the `objective` of the corrected stepper, such as `Unrolled(loss, num_steps=8)`.
    """

    solver: Stepper
    objective: StepperObjective = eqx.field(static=True)

    def __call__(
        self, model: Model, frames: Float[Array, "time channel *space"], key: PRNGKeyArray
    ) -> Float[Array, ""]:
        return self.objective(CorrectedStepper(self.solver, model), frames, key)
