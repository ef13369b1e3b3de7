"""Means and covariances of fields over their homogeneous axes."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float

from fieldcast.simulators.statistic import Statistic, merged_count


class PlaneStatistics(Statistic):
    """First and second moments of any fields, by place along the axes in which a flow is not homogeneous.

        M_i = <f_i>,   C_ij = <f_i f_j> - M_i M_j,   <.> over the homogeneous axes and all updates

    In a channel that is homogeneous along x and z these are its profiles, of which `ChannelStatistics` knows more; on a
    sphere they are zonal means; in a periodic box numbers. Every update counts alike.

    **Arguments:** `PlaneStatistics.empty` makes them.

    - `homogeneous`: axes of space, such as `(0, 2)`.
    - `count`: number of updates, `mean`: `M`, `covariance`: `C`.

    Source: Chan, Golub and LeVeque, The American Statistician 37, 1983, 242-247, doi:10.1080/00031305.1983.10483115.
    """

    homogeneous: tuple[int, ...] = eqx.field(static=True)
    count: Float[Array, ""]
    mean: Float[Array, "channel *place"]
    covariance: Float[Array, "channel channel *place"]

    @classmethod
    def empty(cls, shape: tuple[int, ...], homogeneous: tuple[int, ...], dtype: DTypeLike = float) -> "PlaneStatistics":
        """Statistics of nothing yet, for fields of this shape, `(channel, *space)`."""
        if len(set(homogeneous)) < len(homogeneous) or not set(homogeneous) <= set(range(len(shape) - 1)):
            raise ValueError(f"The homogeneous axes are some of the {len(shape) - 1} of space, got {homogeneous}.")
        mean = jnp.zeros((shape[0], *(n for axis, n in enumerate(shape[1:]) if axis not in homogeneous)), dtype)
        return cls(homogeneous, jnp.zeros((), dtype), mean, jnp.zeros((shape[0], *mean.shape), dtype))

    def update(self, fields: Float[Array, "channel *space"]) -> "PlaneStatistics":
        mean, covariance = moments(fields.astype(self.mean.dtype), self.homogeneous)
        return self.merge(PlaneStatistics(self.homogeneous, jnp.ones_like(self.count), mean, covariance))

    def merge(self, other: "PlaneStatistics") -> "PlaneStatistics":
        count, share = merged_count(self.count, other.count)
        mean, covariance = merged_moments(self.mean, self.covariance, other.mean, other.covariance, share)
        return PlaneStatistics(self.homogeneous, count, mean, covariance)

    @property
    def root_mean_square(self) -> Float[Array, "channel *place"]:
        """Root mean square of each channel's fluctuation; its derivative where there is none is taken as zero."""
        return safe_root(jnp.moveaxis(jnp.diagonal(self.covariance, axis1=0, axis2=1), -1, 0))


def moments(
    fields: Float[Array, "channel *space"], homogeneous: tuple[int, ...]
) -> tuple[Float[Array, "channel *place"], Float[Array, "channel channel *place"]]:
    """Mean over the homogeneous axes of space, and covariance about it."""
    axes = tuple(1 + axis for axis in homogeneous)
    mean = jnp.mean(fields, axis=axes, keepdims=True)
    moved = jnp.moveaxis(fields - mean, axes, range(-len(axes), 0))
    fluctuation = moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1)
    covariance = jnp.einsum("i...n,j...n->ij...", fluctuation, fluctuation, precision="highest")
    return jnp.squeeze(mean, axes), covariance / fluctuation.shape[-1]


def merged_moments(
    mean: Array, covariance: Array, other_mean: Array, other_covariance: Array, share: Array
) -> tuple[Array, Array]:
    """Mean and covariance of two parts, of which the other one has this share."""
    difference = other_mean - mean
    between = difference[:, None] * difference[None]
    within = covariance + share * (other_covariance - covariance)
    return mean + share * difference, within + share * (1.0 - share) * between


def safe_root(variance: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """The square root, whose derivative at zero is taken as zero."""
    moving = variance > 0
    return jnp.where(moving, jnp.sqrt(jnp.where(moving, variance, 1.0)), 0.0)
