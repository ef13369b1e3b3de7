"""Recipes of turbulence in periodic boxes: driven in the plane, decaying in space."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Array, Complex, PRNGKeyArray

from fieldcast.datasets.reduction import LongWaves
from fieldcast.datasets.trajectory_recipe import TrajectoryRecipe, require_positive
from fieldcast.simulators.flows.forcing import KolmogorovForcing
from fieldcast.simulators.flows.navier_stokes_2d import NavierStokes2D
from fieldcast.simulators.flows.navier_stokes_3d import NavierStokes3D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.periodic_operators import largest_modes
from fieldcast.simulators.flows.periodic_starts import peaked_spectrum, random_vorticity, taylor_green_velocity


@dataclass(frozen=True, kw_only=True)
class KolmogorovRecipe(TrajectoryRecipe):
    """The vorticity of turbulence in a plane, driven by a sinusoidal force and slowed by drag.

    Trajectories differ by their random starts, which are forgotten before the first snapshot.

    **Arguments:** those of `TrajectoryRecipe`, and

    - `num_points` of the simulation and `kept_points` of the snapshots, along both axes of a box of side 2 pi.
    - `viscosity`, `drag`, and `amplitude` and `waves` of the force.
    """

    num_trajectories: int = 60
    num_snapshots: int = 101
    interval: float = 0.25
    first_time: float = 30.0
    num_points: int = 256
    kept_points: int = 64
    viscosity: float = 1e-3
    drag: float = 0.1
    amplitude: float = 1.0
    waves: int = 4

    name: ClassVar[str] = "kolmogorov"
    scales: ClassVar[str] = "a box side is 2 pi, the largest acceleration by the force its amplitude"

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "viscosity", "drag", or_zero=True)
        _check_points(self.num_points, self.kept_points)
        largest = largest_modes(_cube(self.num_points, 2))[1]
        if not 1 <= self.waves <= largest:
            raise ValueError(
                f"{self.num_points} points along each axis allow a force of 1 to {largest} waves, got {self.waves}."
            )

    def flow(self, index: int) -> NavierStokes2D:
        return NavierStokes2D(
            _cube(self.num_points, 2),
            viscosity=self.viscosity,
            dt=self.interval,
            drag=self.drag,
            forcing=KolmogorovForcing(self.amplitude, self.waves),
        )

    def start(self, flow: NavierStokes2D, key: PRNGKeyArray) -> Complex[Array, "x modes"]:
        return flow.encode(random_vorticity(flow.grid, peaked_spectrum(4.0), key=key))

    def reduction(self, flow: NavierStokes2D) -> LongWaves:
        return LongWaves((self.kept_points,) * 2)

    def parameters(self, flow: NavierStokes2D) -> dict[str, float]:
        return {
            "viscosity": self.viscosity,
            "drag": self.drag,
            "force_amplitude": self.amplitude,
            "force_waves": float(self.waves),
        }


@dataclass(frozen=True, kw_only=True)
class TaylorGreenRecipe(TrajectoryRecipe):
    """The Taylor-Green vortex, which breaks down into turbulence and decays, at a Reynolds number of each trajectory.

    The Reynolds number `1 / viscosity` is drawn evenly on a logarithmic scale. 128 points along each axis resolve it up
    to about 500; 1600 needs 256.

    **Arguments:** those of `TrajectoryRecipe`, and

    - `num_points` of the simulation and `kept_points` of the snapshots, along each axis of a box of side 2 pi.
    - `reynolds_numbers`: the least and the largest.
    """

    num_trajectories: int = 60
    num_snapshots: int = 41
    interval: float = 0.5
    num_points: int = 128
    kept_points: int = 64
    reynolds_numbers: tuple[float, float] = (100.0, 500.0)

    name: ClassVar[str] = "tgv"
    scales: ClassVar[str] = "a box side is 2 pi, the largest velocity of the start 1"

    def __post_init__(self):
        super().__post_init__()
        _check_points(self.num_points, self.kept_points)
        least, largest = self.reynolds_numbers
        if not 0 < least <= largest < math.inf:
            raise ValueError(
                f"Reynolds numbers are drawn from the least to the largest, both positive, got {self.reynolds_numbers}."
            )

    def flow(self, index: int) -> NavierStokes3D:
        least, largest = np.log(self.reynolds_numbers)
        reynolds_number = math.exp(np.random.default_rng([self.seed, index]).uniform(least, largest))
        return NavierStokes3D(_cube(self.num_points, 3), viscosity=1.0 / reynolds_number, dt=self.interval)

    def start(self, flow: NavierStokes3D, key: PRNGKeyArray) -> Complex[Array, "3 x y modes"]:
        return flow.encode(taylor_green_velocity(flow.grid))

    def reduction(self, flow: NavierStokes3D) -> LongWaves:
        return LongWaves((self.kept_points,) * 3)

    def parameters(self, flow: NavierStokes3D) -> dict[str, float]:
        viscosity = float(flow.viscosity)
        return {"viscosity": viscosity, "reynolds_number": 1.0 / viscosity}


def _check_points(num_points: int, kept_points: int) -> None:
    if not 3 <= kept_points <= num_points:
        raise ValueError(f"Of {num_points} points along each axis 3 to {num_points} can be kept, got {kept_points}.")


def _cube(num_points: int, dimensions: int) -> PeriodicBox:
    return PeriodicBox((num_points,) * dimensions, (2.0 * math.pi,) * dimensions)
