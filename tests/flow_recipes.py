"""Recipes of flows small enough for tests, and a flow that costs nothing."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jrandom

from fieldcast.datasets.trajectory_recipe import TrajectoryRecipe
from fieldcast.datasets.turbulence import RECIPES
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.stepper import FlowSolver

TINY_SETTINGS = {
    "channel180": {"num_points": (8, 17, 8), "kept_points": (4, 5, 4), "interval": 0.02, "first_time": 0.02},
    "channel180-minimal": {"num_points": (8, 17, 8), "kept_points": (4, 5, 4), "interval": 0.04, "first_time": 0.04},
    "ins": {"num_points": 12, "interval": 2.0, "first_time": 2.0},
    "cns": {"num_points": 12, "kept_points": 6, "interval": 0.01},
    "swe": {"truncation": 15, "num_points": (24, 48), "interval": 7200.0, "first_time": 7200.0},
    "kolmogorov": {"num_points": 16, "kept_points": 8, "first_time": 0.25},
    "tgv": {"num_points": 8, "kept_points": 6},
}
TINY = {
    name: dataclasses.replace(recipe, num_trajectories=2, num_snapshots=3, **TINY_SETTINGS[name])
    for name, recipe in RECIPES.items()
}


class Decay(FlowSolver):
    """Two components that decay, at a limited step; starts are of a given size."""

    grid: PeriodicBox
    dt: float = eqx.field(static=True, default=1.0)
    size: float = eqx.field(static=True, default=1.0)

    @property
    def components(self):
        return ("smoke", "heat")

    def advance(self, state, dt):
        return state * (1.0 - dt.astype(state.dtype))

    def largest_step(self, state):
        return jnp.asarray(0.3, state.dtype)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecayRecipe(TrajectoryRecipe):
    """Trajectories of `Decay`; those of odd index may be made to blow up."""

    num_trajectories: int = 3
    num_snapshots: int = 4
    interval: float = 0.5
    odd_ones_blow_up: bool = False

    name: ClassVar[str] = "decay"
    scales: ClassVar[str] = "none"

    def flow(self, index):
        return Decay(PeriodicBox((4, 6), (1.0, 1.5)), size=jnp.nan if self.odd_ones_blow_up and index % 2 else 1.0)

    def start(self, flow, key):
        return flow.size * jrandom.normal(key, (2, 4, 6))

    def parameters(self, flow):
        return {"rate": 1.0}
