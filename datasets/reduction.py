"""What is kept of a flow's state in a dataset, and where the kept points lie."""

import abc

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.flows.compressible import CompressibleFlow
from fieldcast.simulators.flows.filters import PeriodicFilter, SharpFilter
from fieldcast.simulators.flows.resampling import FourierResampling, Subsampling
from fieldcast.simulators.stepper import FlowGrid, FlowSolver, State


class Reduction(eqx.Module):
    """From a state to the fields that are kept, on a grid of their own."""

    @abc.abstractmethod
    def __call__(self, flow: FlowSolver, state: State) -> Float[Array, "channel *space"]:
        """The fields of a state that are kept."""

    @abc.abstractmethod
    def axes(self, grid: FlowGrid) -> tuple[np.ndarray, ...]:
        """Where they lie, given the grid of the flow."""


class Everything(Reduction):
    """All fields at all points."""

    def __call__(self, flow: FlowSolver, state: State) -> Float[Array, "channel *space"]:
        return flow.decode(state)

    def axes(self, grid: FlowGrid) -> tuple[np.ndarray, ...]:
        return grid.axes()


class FilteredPoints(Reduction):
    """Filtered fields at every n-th point, the first one included.

    **Arguments:** `filter`, and the `strides` along the axes of space.
    """

    filter: PeriodicFilter
    strides: tuple[int, ...] = eqx.field(static=True)

    def __call__(self, flow: FlowSolver, state: State) -> Float[Array, "channel *space"]:
        return Subsampling(self.strides)(self.filter(flow.decode(state)))

    def axes(self, grid: FlowGrid) -> tuple[np.ndarray, ...]:
        return tuple(points[::stride] for points, stride in zip(grid.axes(), self.strides, strict=True))


class LongWaves(Reduction):
    """Fields of a periodic box with fewer points: the waves that they resolve, and no others (a sharp filter).

    A wave of two points, of which an even number of points holds only a cosine, is not resolved: without its other half
    a velocity would have a divergence.

    **Arguments:** `num_points` along each axis.
    """

    num_points: tuple[int, ...] = eqx.field(static=True)

    def __check_init__(self):
        FourierResampling(self.num_points)  # refuses what is no number of points

    def __call__(self, flow: FlowSolver, state: State) -> Float[Array, "channel *space"]:
        lengths = flow.grid.lengths
        spacing = tuple(length / n for n, length in zip(self.num_points, lengths, strict=True))
        return FourierResampling(self.num_points)(SharpFilter(spacing, lengths)(flow.decode(state)))

    def axes(self, grid: FlowGrid) -> tuple[np.ndarray, ...]:
        pairs = zip(grid.lengths, self.num_points, strict=True)
        return tuple(np.arange(n) * (length / n) for length, n in pairs)


class CellMeans(Reduction):
    """A gas in larger cells, each with the mass, momentum and energy of the cells it is made of.

    The totals of the kept fields are those of the flow; values at every n-th point would not keep them, and would
    alias shocks.

    **Arguments:** `factor`: how many cells become one, along each axis.
    """

    factor: int = eqx.field(static=True)

    def __call__(self, flow: CompressibleFlow, state: Float[Array, "channel *cells"]) -> Float[Array, "channel *space"]:
        for axis in range(1, state.ndim):
            blocks = (*state.shape[:axis], -1, self.factor, *state.shape[axis + 1 :])
            state = state.reshape(blocks).mean(axis=axis + 1)
        return flow.decode(state)

    def axes(self, grid: FlowGrid) -> tuple[np.ndarray, ...]:
        return tuple(points.reshape(-1, self.factor).mean(axis=1) for points in grid.axes())


def strides_to(num_points: tuple[int, ...], kept: tuple[int, ...], walls: tuple[bool, ...]) -> tuple[int, ...]:
    """The strides that leave `kept` of `num_points`, both ends included along an axis between walls.

    **Raises:** `ValueError` where there is none.
    """
    intervals = [(n - wall, m - wall) for n, m, wall in zip(num_points, kept, walls, strict=True)]
    if any(m < 1 or n % m for n, m in intervals):
        raise ValueError(
            f"Of {num_points} points {kept} cannot be kept at equal strides: the number of intervals (points, less one "
            "between walls) must be a multiple of that kept."
        )
    return tuple(n // m for n, m in intervals)
