"""What the SineNet experiment trains, on which data, and for how long: quick, on two cores, and as published."""

from dataclasses import dataclass, replace

from sinenet_claim import wave_name

from fieldcast.datasets.sinenet import CompressibleRecipe, ShallowWaterRecipe
from fieldcast.datasets.trajectory_recipe import Splits, TrajectoryRecipe
from fieldcast.surrogates.operator_recipes import (
    DilResNetRecipe,
    FFNORecipe,
    FNORecipe,
    OperatorRecipe,
    SineNetRecipe,
    UNetRecipe,
)
from fieldcast.surrogates.training.recipe import TrainingRecipe

MEAN_HEIGHT = 1e4
"""Of the shallow water [m]."""


@dataclass(frozen=True)
class Contender:
    """An operator and with how many seeds it is trained."""

    operator: OperatorRecipe
    num_seeds: int = 1


@dataclass(frozen=True)
class Flow:
    """A dataset and what is trained on it.

    - `history`: snapshots that an operator sees.
    - `levels`: from which the size of each channel is measured, so that a large mean does not hide errors.
    - `waves`: SineNet by its number of waves, at equal parameters, with circular padding.
    - `zero_padded`: those of them that are trained with zeros beyond the grid too, by their number of waves.
    - `others`: by name.
    """

    data: TrajectoryRecipe
    history: int
    levels: tuple[float, ...]
    waves: dict[int, Contender]
    zero_padded: tuple[int, ...]
    others: dict[str, Contender]
    training: TrainingRecipe

    def contenders(self) -> dict[str, Contender]:
        """All of them by name, the slowest first."""
        pairs = {}
        for number, contender in sorted(self.waves.items(), reverse=True):
            pairs[wave_name(number)] = contender
            if number in self.zero_padded:
                zeros = replace(contender, operator=replace(contender.operator, circular=False))
                pairs[wave_name(number, zeros=True)] = zeros
        return pairs | self.others


@dataclass(frozen=True)
class Size:
    """Flows by their names, and how many trainings run side by side."""

    name: str
    flows: dict[str, Flow]
    num_workers: int = 2


def waves(width: int, multipliers: dict[int, float], num_seeds: int = 1) -> dict[int, Contender]:
    """SineNets by their number of waves, from the multiplier of each."""
    return {
        number: Contender(SineNetRecipe(number, width, multiplier, circular=True), num_seeds)
        for number, multiplier in multipliers.items()
    }


NARROW = {1: 2.0, 2: 1.795, 4: 1.605, 8: 1.415}
"""Multipliers of 8 channels: the published ones, but for the rounding of the channels to whole numbers."""
PUBLISHED = {1: 2.0, 2: 1.8075, 4: 1.611, 8: 1.425}
"""Multipliers of 64 channels."""

GAS = CompressibleRecipe(num_trajectories=90, num_points=64, kept_points=32, splits=Splits(4, 1, 1))
TRAINING = TrainingRecipe(num_steps=2000, batch_size=2, learning_rate=3e-3, weight_decay=1e-5, validate_every=500)
"""Of the same time, many steps of two samples teach more than fewer of eight."""
SMALL_OTHERS = {
    "DilResNet": Contender(DilResNetRecipe(16)),
    "U-Net": Contender(UNetRecipe(7, (1, 2, 2, 2), circular=True)),
    "F-FNO": Contender(FFNORecipe(modes=12, width=34, num_layers=8)),
    "FNO": Contender(FNORecipe(modes=12, width=28)),
}

QUICK = Size(
    "quick",
    {
        "CNS": Flow(
            data=replace(GAS, num_trajectories=24),
            history=10,
            levels=(0.0,) * 4,
            waves=waves(8, {1: 2.0, 2: 1.795}),
            zero_padded=(2,),
            others={"FNO": SMALL_OTHERS["FNO"]},
            training=replace(TRAINING, num_steps=200, validate_every=100),
        )
    },
)
CPU = Size(
    "cpu",
    {
        "CNS": Flow(
            data=GAS,
            history=10,
            levels=(0.0,) * 4,
            waves=waves(8, NARROW, num_seeds=2),
            zero_padded=(8,),
            others=SMALL_OTHERS,
            training=TRAINING,
        ),
    },
)

LONG = TrainingRecipe(num_steps=4000, batch_size=32, learning_rate=2e-4, weight_decay=1e-5, validate_every=500)
LARGE_OTHERS = {
    "DilResNet": Contender(DilResNetRecipe(128)),
    "U-Net": Contender(UNetRecipe(32, circular=True)),
    "F-FNO": Contender(FFNORecipe(modes=32, width=96, num_layers=24)),
    "FNO": Contender(FNORecipe(modes=32, width=90)),
}
GPU = Size(
    "gpu",
    {
        "CNS": Flow(
            data=CompressibleRecipe(num_trajectories=800),
            history=10,
            levels=(0.0,) * 4,
            waves=waves(64, PUBLISHED),
            zero_padded=(8,),
            others=LARGE_OTHERS,
            training=LONG,
        ),
        "SWE": Flow(
            data=ShallowWaterRecipe(num_trajectories=1200),
            history=2,
            levels=(MEAN_HEIGHT, 0.0, 0.0),
            waves=waves(64, PUBLISHED),
            zero_padded=(8,),
            others=LARGE_OTHERS,
            training=LONG,
        ),
    },
    num_workers=1,
)
