"""Recipes of turbulent channels, filtered and on a coarse grid."""

import math
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import PRNGKeyArray

from fieldcast.datasets.reduction import FilteredPoints, strides_to
from fieldcast.datasets.trajectory_recipe import Splits, TrajectoryRecipe, require_positive
from fieldcast.simulators.fixed_steps import FixedSteps
from fieldcast.simulators.flows.channel import ChannelFlow, ChannelState
from fieldcast.simulators.flows.channel_forcing import ConstantFlux
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.channel_starts import turbulent_channel
from fieldcast.simulators.flows.filters import BoxFilter

FILTER_WIDTH = 1.0
"""Width of the box filter along x and z, in spacings of the kept points.

The filter of the published data is not published. This one leaves the same parts of the three root mean squares at 16
heights, to 0.02 root mean square (`benchmarks/channel_filter.py`).
"""


@dataclass(frozen=True, kw_only=True)
class ChannelRecipe(TrajectoryRecipe):
    """Turbulence between two plates at a friction Reynolds number near 180, as filtered direct simulation.

    The layout of the data from which IUFNO and IFactFormer learn: a constant flux with bulk velocity 2/3 and viscosity
    1/4200, runs of 400 snapshots that lie 200 time steps of 0.005 apart, 32 x 33 x 16 points, every fourth one along y.
    Runs differ by their first eddies.

    **Arguments:** those of `TrajectoryRecipe`, and

    - `num_points` of the simulation along x, y and z, and `kept_points` of the snapshots: divisors along x and z, along
      y a divisor of the number of intervals.
    - `lengths` of the box along x and z.
    - `time_step`: fixed, whatever the flow allows; `interval` and `first_time` are multiples.
    - `filter_width`: of the box filter along x and z, in spacings of the kept points; 0 is no filter.
    - `viscosity`, `bulk_velocity`.
    """

    num_trajectories: int = 21
    num_snapshots: int = 400
    interval: float = 1.0
    first_time: float = 240.0
    splits: Splits = Splits(train=16, valid=4, test=1)
    num_points: tuple[int, int, int] = (128, 129, 128)
    kept_points: tuple[int, int, int] = (32, 33, 16)
    lengths: tuple[float, float] = (4.0 * math.pi, 4.0 * math.pi / 3.0)
    time_step: float = 0.005
    filter_width: float = FILTER_WIDTH
    viscosity: float = 1.0 / 4200.0
    bulk_velocity: float = 2.0 / 3.0

    name: ClassVar[str] = "channel180"
    scales: ClassVar[str] = "half height of the channel, centre velocity of the laminar flow of the same flux"
    needs_double_precision: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "viscosity", "time_step")
        require_positive(self, "filter_width", or_zero=True)
        self._strides()
        for name in ("interval", "first_time"):
            self._num_steps(getattr(self, name), name.replace("_", " "))

    def flow(self, index: int) -> ChannelFlow:
        grid = ChannelGrid(self.num_points, self.lengths)
        return ChannelFlow(grid, viscosity=self.viscosity, forcing=ConstantFlux(self.bulk_velocity), dt=self.time_step)

    def start(self, flow: ChannelFlow, key: PRNGKeyArray) -> ChannelState:
        return flow.encode(turbulent_channel(flow.grid, 180.0, self.bulk_velocity, key=key))

    def stepper(self, flow: ChannelFlow, interval: float) -> FixedSteps:
        return FixedSteps(flow, self._num_steps(interval, "interval"))

    def reduction(self, flow: ChannelFlow) -> FilteredPoints:
        (length_x, length_z), (nx, _, nz) = self.lengths, self.kept_points
        widths = self.filter_width * length_x / nx, None, self.filter_width * length_z / nz
        return FilteredPoints(BoxFilter(widths, (length_x, None, length_z)), self._strides())

    def parameters(self, flow: ChannelFlow) -> dict[str, float]:
        return {
            "viscosity": self.viscosity,
            "bulk_velocity": self.bulk_velocity,
            "time_step": self.time_step,
            "filter_width": self.filter_width,
        }

    def _strides(self) -> tuple[int, ...]:
        return strides_to(self.num_points, self.kept_points, walls=(False, True, False))

    def _num_steps(self, time: float, name: str) -> int:
        number = round(time / self.time_step)
        if not math.isclose(number * self.time_step, time):
            raise ValueError(f"The {name}, {time:g}, must be a multiple of the time step, {self.time_step:g}.")
        return number


MINIMAL_CHANNEL = ChannelRecipe(
    num_trajectories=6,
    num_snapshots=100,
    first_time=100.0,
    splits=Splits(),
    num_points=(24, 65, 24),
    kept_points=(12, 17, 12),
    lengths=(2.0, 0.75),
    time_step=0.02,
)
"""A channel just wide enough for turbulence to stay alive, for a CPU.

J. Jiménez, P. Moin, J. Fluid Mech. 225, 1991, doi:10.1017/S0022112091002033.
"""
