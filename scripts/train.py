"""`fieldcast train`: train a surrogate on a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union

import jax
import tyro

from fieldcast.scripts.deferred import choice_of
from fieldcast.surrogates.flow_training import FlowData, train_stepper
from fieldcast.surrogates.learned_stepper import StepperRecipe
from fieldcast.surrogates.losses import ChannelRelativeL2, MeanSquaredError, RelativeH1, RelativeL2
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.operator_recipes import (
    ClassicUNetRecipe,
    DilResNetRecipe,
    FFNORecipe,
    FNORecipe,
    IFactFormerRecipe,
    IFNORecipe,
    InterpolatedUNetRecipe,
    LocalFNORecipe,
    OFormerRecipe,
    SineNetRecipe,
    UNetRecipe,
    ViTRecipe,
)
from fieldcast.surrogates.training import Placement, TrainingRecipe
from fieldcast.surrogates.training.objectives import Noisy, Unrolled
from fieldcast.surrogates.ultrasound import load_records, train_predictor

_OPERATORS = {
    "fno": FNORecipe,
    "ifno": IFNORecipe,
    "ifactformer": IFactFormerRecipe,
    "sinenet": SineNetRecipe,
    "unet": UNetRecipe,
    "interpolated-unet": InterpolatedUNetRecipe,
    "classic-unet": ClassicUNetRecipe,
    "dilresnet": DilResNetRecipe,
    "ffno": FFNORecipe,
    "local-fno": LocalFNORecipe,
    "oformer": OFormerRecipe,
    "vit": ViTRecipe,
}
_LOSSES = {
    "relative-l2": RelativeL2,
    "channel-relative-l2": ChannelRelativeL2,
    "mean-squared-error": MeanSquaredError,
    "relative-h1": RelativeH1,
}


def _choice(kinds: dict[str, type]) -> Any:
    """One of several kinds of objects, by short names on the command line."""
    return Union[  # noqa: UP007
        tuple(Annotated[kind, tyro.conf.subcommand(name, prefix_name=False)] for name, kind in kinds.items())
    ]


Operator = _choice(_OPERATORS)
FlowLoss = _choice(_LOSSES)


@dataclass(frozen=True)
class FlowOptions:
    """How a stepper learns.

    Args:
        history: Past snapshots that the operator sees.
        increment: Whether it predicts what changes, in place of the next snapshot.
        half_precision: Whether it computes in bfloat16, with weights in single precision.
        unroll: Steps of a rollout through which gradients flow.
        free_steps: Steps before these through which none flows (pushforward).
        noise: Added to what the rollout starts from, in standard deviations of each channel.
        validation_steps: Length of the rollouts whose error decides which weights are best.
    """

    history: int = 1
    increment: bool = True
    half_precision: bool = False
    unroll: int = 1
    free_steps: int = 0
    noise: float = 0.0
    validation_steps: int = 1


@dataclass(frozen=True)
class Machine:
    """Where a training runs.

    Args:
        shard_weights: Whether weights and optimiser are spread over the devices, as the samples are.
        distributed: Whether this process is one of several hosts (`jax.distributed.initialize()`).
        tensorboard: Whether event files are written too.
    """

    shard_weights: bool = False
    distributed: bool = False
    tensorboard: bool = False


def train_ultrasound(
    data: Path, run: Path, model: ModelRecipe = ModelRecipe(), training: TrainingRecipe = TrainingRecipe()
) -> None:
    """Train DeepTFUS on the scenes of a dataset; run again to resume.

    Args:
        data: Folder of a generated dataset.
        run: Folder that receives the metrics, the checkpoints and the best predictor.
        model: Form and size of the network.
        training: How it is trained.
    """
    train_predictor(load_records(data, "train"), load_records(data, "valid"), run, model, training)
    print(f"The best predictor is in {run}; load it with load_predictor({str(run)!r}).")


def train_flow(
    data: tuple[Path, ...],
    run: Path,
    operator: Operator = FNORecipe(),
    loss: FlowLoss = RelativeL2(),
    flow: FlowOptions = FlowOptions(),
    training: TrainingRecipe = TrainingRecipe(batch_size=8, learning_rate=1e-3),
    machine: Machine = Machine(),
) -> None:
    """Train a neural operator to step a flow, on a dataset of trajectories; run again to resume.

    Args:
        data: Folders of generated datasets of one flow; several may differ in resolution.
        run: Folder that receives the metrics, the checkpoints and the best stepper.
        operator: Kind and size of the operator.
        loss: Of one snapshot.
        flow: How the stepper learns.
        training: How it is trained.
        machine: Where.
    """
    if machine.distributed:
        jax.distributed.initialize()
    objective = Unrolled(loss, flow.unroll, flow.free_steps)
    train_stepper(
        FlowData(data),
        StepperRecipe(operator, flow.history, flow.increment, flow.half_precision),
        Noisy(objective, flow.noise) if flow.noise else objective,
        training,
        run,
        validation_steps=flow.validation_steps,
        placement=Placement(shard_weights=machine.shard_weights),
        tensorboard=machine.tensorboard,
    )
    print(f"The best stepper is in {run}; load it with load_stepper({str(run)!r}).")


Training = choice_of({"ultrasound": train_ultrasound, "flow": train_flow})
"""The choice of what is trained."""


def train(surrogate: Annotated[Training, tyro.conf.arg(name="")]) -> None:
    """Train a surrogate on a dataset."""
    surrogate()
