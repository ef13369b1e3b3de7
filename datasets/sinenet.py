"""Recipes of the three flows from which SineNet learns: smoke, a compressible gas, shallow water on a sphere.

Grids, times, and numbers of trajectories in every split are those of X. Zhang et al., ICLR 2024, arXiv:2403.19507. The
trajectories are not theirs: solvers and random starts are this library's.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.datasets.reduction import CellMeans
from fieldcast.datasets.trajectory_recipe import Splits, TrajectoryRecipe, require_positive
from fieldcast.simulators.flows.closed_box import ClosedBox
from fieldcast.simulators.flows.compressible import CompressibleFlow
from fieldcast.simulators.flows.compressible_starts import random_compressible_fields
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.shallow_water import ShallowWater
from fieldcast.simulators.flows.shallow_water_starts import random_vortices
from fieldcast.simulators.flows.smoke import BuoyantSmoke, SmokeState
from fieldcast.simulators.flows.smoke_starts import random_smoke
from fieldcast.simulators.flows.sphere_grid import SphereGrid
from fieldcast.simulators.flows.spherical_harmonics import SphericalTransform

HOUR = 3600.0
"""[s]"""


@dataclass(frozen=True, kw_only=True)
class SmokeRecipe(TrajectoryRecipe):
    """Smoke that rises in a closed box (`INS`), from random smoke in air at rest.

    **Arguments:** those of `TrajectoryRecipe`, and `num_points` along both axes, `length` of the sides, `viscosity`,
    `buoyancy`.
    """

    num_trajectories: int = 7800
    num_snapshots: int = 14
    interval: float = 6.0
    first_time: float = 18.0
    num_points: int = 128
    length: float = 32.0
    viscosity: float = 0.01
    buoyancy: float = 0.5

    name: ClassVar[str] = "ins"
    scales: ClassVar[str] = "a box side is 32, one unit of smoke lifts air by the acceleration of the buoyancy"

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "viscosity", or_zero=True)

    def flow(self, index: int) -> BuoyantSmoke:
        box = ClosedBox((self.num_points,) * 2, (self.length,) * 2)
        return BuoyantSmoke(box, viscosity=self.viscosity, buoyancy=self.buoyancy, dt=self.interval)

    def start(self, flow: BuoyantSmoke, key: PRNGKeyArray) -> SmokeState:
        return flow.encode(random_smoke(flow.grid, key=key))

    def parameters(self, flow: BuoyantSmoke) -> dict[str, float]:
        return {"viscosity": self.viscosity, "buoyancy": self.buoyancy}


@dataclass(frozen=True, kw_only=True)
class CompressibleRecipe(TrajectoryRecipe):
    """A compressible gas in a periodic box (`CNS`), from random long waves, half of the time inside a window.

    Snapshots hold the means of larger cells (`CellMeans`).

    **Arguments:** those of `TrajectoryRecipe`, and

    - `num_points` of the simulation along both axes of a box of side 1, and `kept_points`, a divisor.
    - `shear_viscosity`, `bulk_viscosity`, `heat_capacity_ratio`.
    - `mach_number` of the start.
    """

    num_trajectories: int = 8000
    num_snapshots: int = 21
    interval: float = 0.05
    splits: Splits = Splits(train=54, valid=13, test=13)
    num_points: int = 512
    kept_points: int = 128
    shear_viscosity: float = 1e-8
    bulk_viscosity: float = 1e-8
    heat_capacity_ratio: float = 5.0 / 3.0
    mach_number: float = 0.1

    name: ClassVar[str] = "cns"
    scales: ClassVar[str] = (
        "a box side is 1; mean density and temperature (pressure over density) of the starts are 0.1 to 10"
    )

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "shear_viscosity", "bulk_viscosity", "mach_number", or_zero=True)
        if not self.heat_capacity_ratio > 1:
            raise ValueError(f"The heat capacity ratio of a gas is above 1, got {self.heat_capacity_ratio}.")
        if self.kept_points < 1 or self.num_points % self.kept_points:
            raise ValueError(
                f"{self.num_points} points cannot be gathered into {self.kept_points} cells along each axis: choose a "
                "divisor."
            )

    def flow(self, index: int) -> CompressibleFlow:
        return CompressibleFlow(
            PeriodicBox((self.num_points,) * 2, (1.0, 1.0)),
            dt=self.interval,
            shear_viscosity=self.shear_viscosity,
            bulk_viscosity=self.bulk_viscosity,
            heat_capacity_ratio=self.heat_capacity_ratio,
        )

    def start(self, flow: CompressibleFlow, key: PRNGKeyArray) -> Float[Array, "channel x y"]:
        ratio = self.heat_capacity_ratio
        fields = random_compressible_fields(flow.grid, key=key, mach_number=self.mach_number, heat_capacity_ratio=ratio)
        return flow.encode(fields)

    def reduction(self, flow: CompressibleFlow) -> CellMeans:
        return CellMeans(self.num_points // self.kept_points)

    def parameters(self, flow: CompressibleFlow) -> dict[str, float]:
        return {
            "shear_viscosity": self.shear_viscosity,
            "bulk_viscosity": self.bulk_viscosity,
            "heat_capacity_ratio": self.heat_capacity_ratio,
            "mach_number": self.mach_number,
        }


@dataclass(frozen=True, kw_only=True)
class ShallowWaterRecipe(TrajectoryRecipe):
    """Shallow water on the rotating Earth (`SWE`), from random vortices. Times in seconds.

    **Arguments:** those of `TrajectoryRecipe`, and

    - `truncation` of the harmonics, `num_points` along latitude and longitude.
    - `height`: mean height of the surface [m].
    - `damping_time`: in which the smallest scale decays [s].
    """

    num_trajectories: int = 8400
    num_snapshots: int = 11
    interval: float = 48.0 * HOUR
    first_time: float = 24.0 * HOUR
    truncation: int = 62
    num_points: tuple[int, int] = (96, 192)
    height: float = 1e4
    damping_time: float = 2.4 * HOUR

    name: ClassVar[str] = "swe"
    scales: ClassVar[str] = "SI units"
    units: ClassVar[dict[str, str]] = {
        "time": "s",
        "latitude": "rad",
        "longitude": "rad",
        "height": "m",
        "velocity_x": "m/s",
        "velocity_y": "m/s",
        "radius": "m",
        "rotation_rate": "rad/s",
        "gravity": "m/s^2",
        "hyperdiffusion": "1/s",
    }

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "height", "damping_time")

    def flow(self, index: int) -> ShallowWater:
        transform = SphericalTransform(self.truncation, SphereGrid(*self.num_points))
        return ShallowWater(transform, dt=self.interval, hyperdiffusion=1.0 / self.damping_time)

    def start(self, flow: ShallowWater, key: PRNGKeyArray) -> Float[Array, "3 2 order degree"]:
        return random_vortices(flow, self.height, key=key)

    def parameters(self, flow: ShallowWater) -> dict[str, float]:
        return {
            "radius": float(flow.radius),
            "rotation_rate": float(flow.rotation[2]),
            "gravity": float(flow.gravity),
            "hyperdiffusion": float(flow.hyperdiffusion),
        }
