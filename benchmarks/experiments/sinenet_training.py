"""The trainings of the SineNet experiment, in any process."""

from dataclasses import dataclass, replace
from pathlib import Path

import jax.numpy as jnp
from experiment import RUNS
from jaxtyping import Array, Float
from sinenet_sizes import Flow, Size

from fieldcast.surrogates.flow_training import FlowData, train_stepper
from fieldcast.surrogates.learned_stepper import StepperRecipe
from fieldcast.surrogates.losses import ChannelRelativeL2, Loss
from fieldcast.surrogates.training.objectives import Unrolled


@dataclass(frozen=True)
class AboveLevels(Loss):
    """`ChannelRelativeL2` of what is above a level in each channel: `mean_c ||u_hat_c - u_c|| / ||u_c - level_c||`."""

    levels: tuple[float, ...]

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        levels = jnp.expand_dims(jnp.asarray(self.levels, target.dtype), range(1, target.ndim))
        return ChannelRelativeL2()(prediction - levels, target - levels)


@dataclass(frozen=True)
class Training:
    """One training: of which model, on which flow, from which seed."""

    flow: Flow
    data: Path
    model: str
    seed: int
    run: Path


def train(task: Training) -> None:
    """Train, go on where a training was interrupted, or do nothing where it was not."""
    flow = task.flow
    train_stepper(
        FlowData((task.data,)),
        StepperRecipe(flow.contenders()[task.model].operator, flow.history),
        Unrolled(AboveLevels(flow.levels)),
        replace(flow.training, seed=task.seed),
        task.run,
        validation_steps=flow.data.num_snapshots - flow.history,
    )


def trainings(size: Size) -> dict[str, list[Training]]:
    """Of every flow, the slowest first."""
    return {
        name: [
            Training(flow, data_of(size, name), model, seed, RUNS / f"sinenet-{size.name}" / _slug(name, model, seed))
            for model, contender in flow.contenders().items()
            for seed in range(contender.num_seeds)
        ]
        for name, flow in size.flows.items()
    }


def data_of(size: Size, flow_name: str) -> Path:
    return RUNS / f"{flow_name.lower()}-{size.name}"


def _slug(*parts: object) -> str:
    return "-".join(str(part).lower().replace(", ", "-") for part in parts)
