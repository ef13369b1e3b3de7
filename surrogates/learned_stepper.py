"""A trained operator as a stepper: the same contract as a solver of the equations."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import jax.random as jrandom
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from fieldcast.simulators.stepper import State, Stepper
from fieldcast.surrogates.checkpoint import load_checkpoint, save_checkpoint
from fieldcast.surrogates.flow_domain import FlowDomain
from fieldcast.surrogates.operator_recipes import OperatorRecipe
from fieldcast.surrogates.wrappers import Cast, ChannelStatistics, Increment, Model, Normalised, WithHistory

_KIND = "fieldcast.LearnedStepper"
_FILE = "stepper.ckpt"


@dataclass(frozen=True)
class StepperRecipe:
    """What stands between fields and an operator.

    - `operator`: its kind and sizes.
    - `history`: how many past snapshots the operator sees.
    - `increment`: whether it predicts what changes, in place of the next snapshot.
    - `half_precision`: whether it computes in bfloat16, with weights and fields in single precision.
    """

    operator: OperatorRecipe
    history: int = 1
    increment: bool = True
    half_precision: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"operator": self.operator.to_json()}

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "StepperRecipe":
        return StepperRecipe(**stored | {"operator": OperatorRecipe.from_json(stored["operator"])})


class LearnedStepper(Stepper):
    """An operator that takes the fields of a flow one snapshot interval further.

        u_{n+1} = model(u_n),   or, with a history of h snapshots, model(u_{n-h+1}, ..., u_n)

    With a history the state is the stack of the last snapshots, in the order of time; `start` makes it. It is a
    `Stepper` like any solver: `rollout`, `accumulate`, statistics and evaluation take it as it is.

    **Arguments:**

    - `model`: from physical fields to physical fields; with a history the snapshots lie one after the other in its
      channels.
    - `domain`: what flow it is for.
    - `statistics`: mean and standard deviation of every channel of the training data.
    - `recipe`: how the model is built.
    """

    model: Model
    domain: FlowDomain = eqx.field(static=True)
    statistics: ChannelStatistics
    recipe: StepperRecipe = eqx.field(static=True)

    @property
    def dt(self) -> float:
        return self.domain.dt

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the channels."""
        return self.domain.components

    @property
    def history(self) -> int:
        """How many snapshots make a state."""
        return self.recipe.history

    def __call__(self, state: State) -> State:
        return self.model(state) if self.history == 1 else WithHistory(self.model)(state)

    def encode(self, fields: Float[Array, "channel *space"]) -> State:
        """The state of one snapshot.

        **Raises:** `ValueError` when the fields are of other components, or one snapshot is not enough.
        """
        if self.history > 1:
            raise ValueError(f"This stepper starts from {self.history} snapshots: `stepper.start(frames)`.")
        return self.start(fields[None])

    def start(self, frames: Float[Array, "time channel *space"]) -> State:
        """The state after these snapshots, of which the last ones count.

        **Raises:** `ValueError` when there are too few, or they are of other components or axes.
        """
        expected = (len(self.components), len(self.domain.axes))
        if (frames.shape[1], frames.ndim - 2) != expected or frames.shape[0] < self.history:
            raise ValueError(
                f"This stepper starts from {self.history} snapshot(s) of {self.components} on "
                f"{len(self.domain.axes)} axes, got an array of shape {frames.shape} (time, channel, space)."
            )
        return frames[-1] if self.history == 1 else frames[-self.history :]

    def decode(self, state: State) -> Float[Array, "channel *space"]:
        return state if self.history == 1 else state[-1]


def build_stepper(
    recipe: StepperRecipe,
    domain: FlowDomain,
    statistics: ChannelStatistics,
    change: ChannelStatistics,
    *,
    key: PRNGKeyArray,
) -> LearnedStepper:
    """A fresh stepper.

    **Arguments:** `recipe`, `domain`, `statistics` of the fields, those of their `change` between snapshots, `key`.
    """
    operator = recipe.operator.build(domain, recipe.history * len(domain.components), key=key)
    if recipe.half_precision:
        operator = Cast(operator, jnp.bfloat16)
    frames = ChannelStatistics(statistics.mean * recipe.history, statistics.deviation * recipe.history)
    if recipe.increment:
        model: Model = Increment(Normalised(operator, frames, change))
    else:
        model = Normalised(operator, frames, statistics)
    return LearnedStepper(model, domain, statistics, recipe)


def save_stepper(folder: Path, stepper: LearnedStepper, change: ChannelStatistics) -> None:
    """Write the stepper to a run folder, atomically; `load_stepper` reads it in one line."""
    header = {
        "kind": _KIND,
        "recipe": stepper.recipe.to_json(),
        "domain": stepper.domain.to_json(),
        "statistics": asdict(stepper.statistics),
        "change": asdict(change),
    }
    save_checkpoint(Path(folder) / _FILE, header, stepper)


def load_stepper(folder: Path | str) -> LearnedStepper:
    """The stepper that training left in a run folder.

        step = load_stepper("runs/channel-fno")
        last, trajectory = rollout(step, 100)(step.encode(fields))

    **Raises:** `CheckpointError` when there is none, or it is damaged, or of another kind.
    """

    def make_like(header: dict[str, Any]) -> PyTree:
        recipe, domain = StepperRecipe.from_json(header["recipe"]), FlowDomain.from_json(header["domain"])
        statistics, change = (_statistics(header[name]) for name in ("statistics", "change"))
        # Shapes are all that is needed, so nothing is drawn at random.
        return eqx.filter_eval_shape(lambda: build_stepper(recipe, domain, statistics, change, key=jrandom.key(0)))

    return load_checkpoint(Path(folder) / _FILE, _KIND, make_like)[1]


def is_stepper_run(folder: Path) -> bool:
    """Whether a run folder holds a learned stepper."""
    return (Path(folder) / _FILE).exists()


def _statistics(stored: dict[str, Any]) -> ChannelStatistics:
    return ChannelStatistics(tuple(stored["mean"]), tuple(stored["deviation"]))
