"""Who steps the channel: trained operators, large-eddy simulations on the same points, and no change at all."""

import abc
from dataclasses import dataclass, replace
from pathlib import Path

import equinox as eqx
import jax
from experiment import RUNS

from fieldcast.datasets.channel import ChannelRecipe
from fieldcast.simulators.fixed_steps import FixedSteps
from fieldcast.simulators.flows.channel import ChannelFlow
from fieldcast.simulators.flows.channel_forcing import ConstantFlux
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.dynamic_smagorinsky import DynamicSmagorinsky
from fieldcast.simulators.flows.wale import WALE
from fieldcast.simulators.stepper import Stepper
from fieldcast.surrogates.evaluation import Persistence
from fieldcast.surrogates.flow_training import FlowData, train_stepper
from fieldcast.surrogates.learned_stepper import LearnedStepper, StepperRecipe, load_stepper
from fieldcast.surrogates.operator_recipes import OperatorRecipe
from fieldcast.surrogates.training.metrics_log import read_metrics
from fieldcast.surrogates.training.objectives import StepperObjective
from fieldcast.surrogates.training.recipe import TrainingRecipe

CLOSURES = {"DSM": lambda: DynamicSmagorinsky(), "WALE": lambda: WALE(0.325)}


@dataclass(frozen=True)
class Training:
    """A way to learn: an objective, with which seeds, and whether the change is predicted or the next snapshot."""

    objective: StepperObjective
    seeds: tuple[int, ...]
    increment: bool = False


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the experiment is.

    - `name`: of its folder of runs.
    - `data`, `recipe`, `workers`: the folder of the data, and the processes that simulate and train side by side.
    - `operators`: by name.
    - `budget`: of every training. `trainings`: the ways to learn by name, the published one first.
    - `long_steps`: intervals of the long rollouts of operators, `les_intervals`: of the large-eddy simulations.
    - `les_steps`: time steps of these an interval.
    """

    name: str
    data: Path
    recipe: ChannelRecipe
    workers: int
    operators: dict[str, OperatorRecipe]
    budget: TrainingRecipe
    trainings: dict[str, Training]
    long_steps: int
    les_intervals: int
    les_steps: int

    @property
    def folder(self) -> Path:
        return RUNS / f"channel-{self.name}"

    @property
    def root(self) -> Path:
        """The runs that are turbulent to their end: those that are learned from and compared with."""
        return self.folder / "turbulent"

    @property
    def contenders(self) -> list["Contender"]:
        """Those that take longest come first."""
        return [
            *(
                Learned(name, training, seed)
                for training, settings in self.trainings.items()
                for seed in settings.seeds
                for name in self.operators
            ),
            *(LargeEddies(name) for name in CLOSURES),
            Unchanged(),
        ]


class Contender(abc.ABC):
    """What makes a stepper of the channel."""

    double: bool = False
    """Whether it computes in double precision."""

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """In tables and figures; one for all seeds."""

    @abc.abstractmethod
    def folder(self, size: Size) -> Path:
        """Where what is known of it is kept."""

    @abc.abstractmethod
    def stepper(self, size: Size) -> Stepper:
        """Trained, where it learns."""

    def ready(self, size: Size) -> Stepper:
        """The stepper, if it is trained already where it learns."""
        return self.stepper(size)

    def about(self, size: Size, step: Stepper) -> dict[str, float]:
        """What it cost."""
        return {}


@dataclass(frozen=True)
class Learned(Contender):
    """An operator, trained in one way with one seed."""

    operator: str
    training: str
    seed: int

    @property
    def label(self) -> str:
        return f"{self.operator}, {self.training}"

    def folder(self, size: Size) -> Path:
        return size.folder / f"{self.operator}-{self.training}-{self.seed}".replace(" ", "-")

    def stepper(self, size: Size) -> LearnedStepper:
        training = size.trainings[self.training]
        recipe = StepperRecipe(size.operators[self.operator], increment=training.increment)
        budget = replace(size.budget, seed=self.seed)
        return train_stepper(FlowData((size.root,)), recipe, training.objective, budget, self.folder(size))

    def ready(self, size: Size) -> LearnedStepper:
        return load_stepper(self.folder(size))

    def about(self, size: Size, step: LearnedStepper) -> dict[str, float]:
        leaves = jax.tree.leaves(eqx.filter(step.model, eqx.is_inexact_array))
        seconds = read_metrics(self.folder(size))[-1]["seconds"]
        return {"parameters": sum(leaf.size for leaf in leaves), "training_seconds": seconds}


@dataclass(frozen=True)
class LargeEddies(Contender):
    """The equations on the points that the data keep, with a closure."""

    closure: str

    double = True

    @property
    def label(self) -> str:
        return self.closure

    def folder(self, size: Size) -> Path:
        return size.folder / self.closure

    def stepper(self, size: Size) -> FixedSteps:
        recipe = size.recipe
        grid, dt = ChannelGrid(recipe.kept_points, recipe.lengths), recipe.interval / size.les_steps
        forcing = ConstantFlux(recipe.bulk_velocity)
        return FixedSteps(
            ChannelFlow(grid, recipe.viscosity, forcing, dt, closure=CLOSURES[self.closure]()), size.les_steps
        )


@dataclass(frozen=True)
class Unchanged(Contender):
    """The forecast that nothing changes."""

    @property
    def label(self) -> str:
        return "persistence"

    def folder(self, size: Size) -> Path:
        return size.folder / "persistence"

    def stepper(self, size: Size) -> Persistence:
        return Persistence(size.recipe.interval)
