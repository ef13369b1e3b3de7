"""What a dataset of trajectories is made of: flows, starts, times, and what is kept."""

import abc
import math
from dataclasses import dataclass
from typing import ClassVar

import jax.random as jrandom
from jaxtyping import PRNGKeyArray

from fieldcast.datasets.reduction import Everything, Reduction
from fieldcast.simulators.stepper import FlowSolver, State, Stepper
from fieldcast.simulators.stride import Stride


@dataclass(frozen=True)
class Splits:
    """How many of every `train + valid + test` consecutive trajectories go where, in this order."""

    train: int = 4
    valid: int = 1
    test: int = 1

    def __post_init__(self):
        if min(self.train, self.valid, self.test) < 0 or self.train + self.valid + self.test == 0:
            raise ValueError(f"Splits are numbers of trajectories, and not all zero, got {self}.")

    def __call__(self, index: int) -> str:
        """The split of trajectory `index`; it does not depend on how many there are."""
        place = index % (self.train + self.valid + self.test)
        if place < self.train:
            return "train"
        return "valid" if place < self.train + self.valid else "test"


@dataclass(frozen=True, kw_only=True)
class TrajectoryRecipe(abc.ABC):
    """A family of trajectories, each named by its index.

    **Arguments:**

    - `num_trajectories`: in all splits together; more can be asked for later, the first ones stay the same.
    - `num_snapshots`: of a trajectory.
    - `interval`: from one snapshot to the next.
    - `first_time`: of the first snapshot; the time before is simulated and not kept.
    - `seed`: of the starts.
    - `splits`: which trajectories are for what.
    """

    num_trajectories: int
    num_snapshots: int
    interval: float
    first_time: float = 0.0
    seed: int = 0
    splits: Splits = Splits()

    name: ClassVar[str]
    scales: ClassVar[str]
    units: ClassVar[dict[str, str]] = {}
    needs_double_precision: ClassVar[bool] = False

    def __post_init__(self):
        if self.num_trajectories < 0 or self.num_snapshots < 1:
            raise ValueError(
                f"A recipe needs at least one snapshot, and a number of trajectories of at least zero, got "
                f"{self.num_snapshots} and {self.num_trajectories}."
            )
        require_positive(self, "interval")
        require_positive(self, "first_time", or_zero=True)

    @abc.abstractmethod
    def flow(self, index: int) -> FlowSolver:
        """The flow of trajectory `index`."""

    @abc.abstractmethod
    def start(self, flow: FlowSolver, key: PRNGKeyArray) -> State:
        """The state at time zero."""

    @abc.abstractmethod
    def parameters(self, flow: FlowSolver) -> dict[str, float]:
        """The numbers of the flow that a reader needs."""

    def reduction(self, flow: FlowSolver) -> Reduction:
        """What is kept of a state."""
        return Everything()

    def stepper(self, flow: FlowSolver, interval: float) -> Stepper:
        """What takes the flow over an interval."""
        return Stride(flow, interval)

    def key(self, index: int) -> PRNGKeyArray:
        """The randomness of trajectory `index`."""
        return jrandom.fold_in(jrandom.key(self.seed), index)


def require_positive(recipe: TrajectoryRecipe, *names: str, or_zero: bool = False) -> None:
    """Refuse a recipe unless its settings of these names are finite, and positive (or zero).

    **Raises:** `ValueError` that names the first other one.
    """
    for name in names:
        value = getattr(recipe, name)
        if not (0 <= value < math.inf) or (value == 0 and not or_zero):
            raise ValueError(
                f"The {name.replace('_', ' ')} of the recipe {recipe.name} must be finite and "
                f"{'at least zero' if or_zero else 'positive'}, got {value}."
            )
