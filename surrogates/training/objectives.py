"""What a stepper learns from windows of trajectories: one step, several, or after errors of its own."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import jax.random as jrandom
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.simulators.nested_scan import nested_scan
from fieldcast.simulators.stepper import State
from fieldcast.surrogates.losses.loss import Loss


@runtime_checkable
class TrainableStepper(Protocol):
    """A stepper that knows how its state begins: `LearnedStepper`, `CorrectedStepper`."""

    @property
    def history(self) -> int:
        """How many snapshots make a state."""

    def start(self, frames: Float[Array, "time channel *space"]) -> State:
        """The state after these snapshots."""

    def decode(self, state: State) -> Float[Array, "channel *space"]:
        """The fields of a state."""

    def __call__(self, state: State) -> State:
        """The next state."""


@dataclass(frozen=True)
class Unrolled:
    """The mean loss of the predictions along a rollout.

        1/K sum_{k=1}^{K} loss(u_hat_{m+k}, u_{m+k}),   u_hat_{n+1} = step(u_hat_n)

    One step by default. With `num_free_steps` (m) the rollout begins that much earlier, and no gradient flows through
    these first steps: the stepper learns to go on from its own errors (pushforward).

    **Arguments:**

    - `loss`: of one snapshot.
    - `num_steps`: K, through which gradients flow.
    - `num_free_steps`: m.
    - `levels`: of checkpoints (`nested_scan`), for long rollouts: less memory, more work.

    Pushforward: Brandstetter et al. 2022, arXiv:2202.03376.
    """

    loss: Loss
    num_steps: int = 1
    num_free_steps: int = 0
    levels: int = 0

    def __post_init__(self):
        if self.num_steps < 1 or self.num_free_steps < 0:
            raise ValueError(f"An objective needs at least one step, got {self.num_steps} and {self.num_free_steps}.")

    def window(self, history: int) -> int:
        """Snapshots of a sample."""
        return history + self.num_free_steps + self.num_steps

    def __call__(
        self, stepper: TrainableStepper, frames: Float[Array, "time channel *space"], key: PRNGKeyArray
    ) -> Float[Array, ""]:
        state = stepper.start(frames[: stepper.history])
        if self.num_free_steps:
            state, _ = jax.lax.scan(lambda state, _: (stepper(state), None), state, None, self.num_free_steps)
            state = jax.lax.stop_gradient(state)
        targets = frames[stepper.history + self.num_free_steps :]
        if self.num_steps == 1:
            return self.loss(stepper.decode(stepper(state)), targets[0])

        def advance(carry: tuple[State, Array]) -> tuple[tuple[State, Array], Float[Array, ""]]:
            state, number = carry
            state = stepper(state)
            return (state, number + 1), self.loss(stepper.decode(state), targets[number])

        _, losses = nested_scan(advance, (state, jnp.zeros((), int)), self.num_steps, self.levels)
        return jnp.mean(losses)


@dataclass(frozen=True)
class Noisy:
    """An objective on snapshots whose first ones, from which the rollout starts, are disturbed.

        u <- u + deviation sigma_c xi,   xi ~ N(0, 1)

    with the standard deviation `sigma_c` of each channel of the sample. The stepper learns to take small errors out.

    **Arguments:** `objective`, and `deviation`, such as 0.01.

    Sanchez-Gonzalez et al. 2020, arXiv:2002.09405.
    """

    objective: Unrolled
    deviation: float = 0.01

    def window(self, history: int) -> int:
        """Snapshots of a sample."""
        return self.objective.window(history)

    def __call__(
        self, stepper: TrainableStepper, frames: Float[Array, "time channel *space"], key: PRNGKeyArray
    ) -> Float[Array, ""]:
        noise_key, key = jrandom.split(key)
        first = frames[: stepper.history]
        scale = self.deviation * jnp.std(first, axis=(0, *range(2, frames.ndim)), keepdims=True)
        noise = scale * jrandom.normal(noise_key, first.shape, frames.dtype)
        return self.objective(stepper, frames.at[: stepper.history].add(noise), key)


StepperObjective = Unrolled | Noisy
"""What a stepper can learn from."""
