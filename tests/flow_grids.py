"""A grid between walls and flows without meaning, for tests of what only needs some."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from fieldcast.simulators.stepper import FlowGrid


class Slab(FlowGrid):
    """Between walls along y, at uneven points; spacings of 0.4 along x and 0.3 along z."""

    num_points: tuple[int, int, int] = eqx.field(static=True)

    @property
    def axis_names(self):
        return ("x", "y", "z")

    @property
    def periodic(self):
        return (True, False, True)

    def axes(self):
        nx, ny, nz = self.num_points
        return np.arange(nx) * 0.4, np.cos(np.pi * np.arange(ny) / (ny - 1)), np.arange(nz) * 0.3

    def weights(self):
        nx, _, nz = self.num_points
        return np.full(nx, 0.4), np.abs(np.gradient(self.axes()[1])), np.full(nz, 0.3)


def random_flow(shape, seed=0):
    """A velocity and a gradient that know nothing of each other."""
    rng = np.random.default_rng(seed)
    velocity, gradient = rng.normal(size=(3, *shape)), rng.normal(size=(3, 3, *shape))
    return jnp.asarray(velocity, dtype=float), jnp.asarray(gradient, dtype=float)
