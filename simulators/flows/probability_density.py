"""Probability densities by fixed bins."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class ProbabilityDensity(eqx.Module):
    """The probability density of all the values of an array, from counts in fixed bins.

        p_b = (values in bin b) / (all values) / (width of bin b)

    What lies outside all bins is counted among all values, so `sum_b p_b width_b` falls short of one by just that
    share. The mean of the densities of arrays of equal size is that of all their values: `RunningMean` of this.

    **Arguments:** `edges` of the bins, rising; each bin holds its lower edge, the last one also its upper edge.
    """

    edges: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, edges: np.ndarray | tuple[float, ...]):
        self.edges = tuple(float(edge) for edge in edges)

    def __check_init__(self):
        if len(self.edges) < 2 or not np.all(np.diff(self.edges) > 0):
            raise ValueError(f"Bins need at least two rising edges, got {self.edges}.")

    @property
    def centres(self) -> np.ndarray:
        """Middle of each bin."""
        return 0.5 * (np.asarray(self.edges[1:]) + np.asarray(self.edges[:-1]))

    def __call__(self, values: Float[Array, "..."]) -> Float[Array, " bin"]:
        edges = jnp.asarray(self.edges, values.dtype)
        counts = jnp.histogram(values, edges)[0].astype(values.dtype)
        return counts / values.size / jnp.diff(edges)
