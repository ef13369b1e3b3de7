"""The three sizes of the experiment on the turbulent channel."""

from dataclasses import replace

from channel_contenders import Size, Training
from experiment import RUNS

from fieldcast.datasets.channel import MINIMAL_CHANNEL, ChannelRecipe
from fieldcast.datasets.trajectory_recipe import Splits
from fieldcast.surrogates.losses import RelativeL2
from fieldcast.surrogates.operator_recipes import FNORecipe, IFactFormerRecipe, IFNORecipe
from fieldcast.surrogates.training.objectives import Noisy, Unrolled
from fieldcast.surrogates.training.recipe import StepDecay, TrainingRecipe

ONE_STEP = Unrolled(RelativeL2())

CPU = Size(
    name="cpu",
    data=RUNS / "channel",
    recipe=replace(MINIMAL_CHANNEL, num_trajectories=6, num_snapshots=200, first_time=60.0),
    workers=2,
    operators={
        "IFactFormer-m": IFactFormerRecipe(16, 2, 4),
        "IFactFormer-o": IFactFormerRecipe(16, 2, 4, chained=True),
        "FNO": FNORecipe(6, 10, 3, 32),
        "IFNO": IFNORecipe(6, 16, 8, 64),
    },
    budget=TrainingRecipe(num_steps=1200, batch_size=4, validate_every=300),
    trainings={
        "one step": Training(ONE_STEP, (0,)),
        "noisy increments": Training(Noisy(ONE_STEP, 0.03), (0,), increment=True),
    },
    long_steps=2000,
    les_intervals=600,
    les_steps=20,
)
"""A minimal channel, about 800 pairs of snapshots, and operators of some ten thousand parameters."""

QUICK = replace(
    CPU,
    name="quick",
    data=RUNS / "channel-quick-data",
    recipe=replace(
        MINIMAL_CHANNEL,
        num_trajectories=3,
        num_snapshots=24,
        first_time=10.0,
        splits=Splits(1, 1, 1),
        num_points=(16, 33, 16),
        kept_points=(8, 9, 8),
    ),
    operators={
        "IFactFormer-m": IFactFormerRecipe(8, 1, 2),
        "IFactFormer-o": IFactFormerRecipe(8, 1, 2, chained=True),
        "FNO": FNORecipe(4, 6, 2, 16),
        "IFNO": IFNORecipe(4, 8, 2, 16),
    },
    budget=TrainingRecipe(num_steps=100, batch_size=4, validate_every=100),
    trainings={"one step": Training(ONE_STEP, (0,))},
    long_steps=200,
    les_intervals=20,
)
"""Everything is exercised, and nothing is learned that would decide a claim."""

GPU = Size(
    name="gpu",
    data=RUNS / "channel180",
    recipe=ChannelRecipe(),
    workers=1,
    operators={
        "IFactFormer-m": IFactFormerRecipe(96, 5, 10),
        "IFactFormer-o": IFactFormerRecipe(96, 5, 10, chained=True),
        "FNO": FNORecipe(8, 40, 4, 256),
        "IFNO": IFNORecipe(8, 80, 40, 256),
    },
    budget=TrainingRecipe(
        num_steps=38_000,
        batch_size=5,
        learning_rate=5e-4,
        weight_decay=0.01,
        validate_every=1270,
        schedule=StepDecay(num_stages=6, factor=0.7),
    ),
    trainings={
        "one step": Training(ONE_STEP, (0, 1, 2)),
        "increments": Training(ONE_STEP, (0,), increment=True),
        "noisy increments": Training(Noisy(ONE_STEP, 0.03), (0,), increment=True),
    },
    long_steps=4000,
    les_intervals=2000,
    les_steps=20,
)
"""The published data, 21 runs of 400 snapshots of 32 x 33 x 16 points, and the published IFactFormer and training: 30
epochs of 6384 pairs in batches of five, the rate times 0.7 every five epochs."""
