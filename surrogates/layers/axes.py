"""Axes of a domain: where the points of a grid lie, and what share of the axis each of them stands for."""

import abc
from collections.abc import Callable

import equinox as eqx
import numpy as np
from jaxtyping import Float


class AbstractAxis(eqx.Module):
    """An axis that holds grids of any number of points; `sum_j f(x_j) w_j` is the integral of `f` along it."""

    @abc.abstractmethod
    def coordinates(self, num_points: int) -> Float[np.ndarray, " point"]:
        """Where the points lie."""

    @abc.abstractmethod
    def weights(self, num_points: int) -> Float[np.ndarray, " point"]:
        """What share of the axis each point stands for."""


class PeriodicAxis(AbstractAxis):
    """Points from zero to `length`, which is the first point again and left out; all weigh the same."""

    length: float = eqx.field(static=True)

    def coordinates(self, num_points: int) -> Float[np.ndarray, " point"]:
        return self.length * np.arange(num_points) / num_points

    def weights(self, num_points: int) -> Float[np.ndarray, " point"]:
        return np.full(num_points, self.length / num_points)


class BoundedAxis(AbstractAxis):
    """Points from one end to the other, both included, with trapezoidal weights.

    **Arguments:** `mapping`: from `[0, 1]`, where the points are equally spaced, to the axis; an increasing function
    such as `lambda s: 1.0 + np.tanh(2.0 * (2.0 * s - 1.0)) / np.tanh(2.0)`, dense at both walls of a channel.
    """

    mapping: Callable[[np.ndarray], np.ndarray] = eqx.field(static=True)

    def coordinates(self, num_points: int) -> Float[np.ndarray, " point"]:
        return np.asarray(self.mapping(np.linspace(0.0, 1.0, num_points)), dtype=np.float64)

    def weights(self, num_points: int) -> Float[np.ndarray, " point"]:
        gaps = np.diff(self.coordinates(num_points))
        return 0.5 * (np.append(gaps, 0.0) + np.append(0.0, gaps))


class CountingAxis(AbstractAxis):
    """Equally spaced points from zero to `length`, both included, each of weight one: sums in place of integrals.

    What is computed with it depends on the number of points. It is the axis of the published IFactFormer.
    """

    length: float = eqx.field(static=True)

    def coordinates(self, num_points: int) -> Float[np.ndarray, " point"]:
        return np.linspace(0.0, self.length, num_points)

    def weights(self, num_points: int) -> Float[np.ndarray, " point"]:
        return np.ones(num_points)


def cell_volumes(axes: tuple[AbstractAxis, ...], grid: tuple[int, ...]) -> Float[np.ndarray, "*space"]:
    """What share of the domain each point of a grid stands for: products of the weights along the axes."""
    volumes = np.ones(())
    for axis, num_points in zip(axes, grid, strict=True):
        volumes = np.multiply.outer(volumes, axis.weights(num_points))
    return volumes


def positions(axes: tuple[AbstractAxis, ...], grid: tuple[int, ...]) -> Float[np.ndarray, "axis *space"]:
    """Where each point of a grid lies, one coordinate an axis."""
    places = [axis.coordinates(num_points) for axis, num_points in zip(axes, grid, strict=True)]
    return np.stack(np.meshgrid(*places, indexing="ij"))
