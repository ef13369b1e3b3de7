"""The recipes of flow datasets, by the name that the command line knows."""

from fieldcast.datasets.channel import MINIMAL_CHANNEL, ChannelRecipe
from fieldcast.datasets.periodic import KolmogorovRecipe, TaylorGreenRecipe
from fieldcast.datasets.sinenet import CompressibleRecipe, ShallowWaterRecipe, SmokeRecipe
from fieldcast.datasets.trajectory_recipe import TrajectoryRecipe

RECIPES: dict[str, TrajectoryRecipe] = {
    "channel180": ChannelRecipe(),
    "channel180-minimal": MINIMAL_CHANNEL,
    "ins": SmokeRecipe(),
    "cns": CompressibleRecipe(),
    "swe": ShallowWaterRecipe(),
    "kolmogorov": KolmogorovRecipe(),
    "tgv": TaylorGreenRecipe(),
}
