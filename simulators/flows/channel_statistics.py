"""Mean profile and Reynolds stresses of a channel."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike, Float

from fieldcast.simulators.flows.plane_statistics import merged_moments, moments, safe_root
from fieldcast.simulators.statistic import Statistic, merged_count


class ChannelStatistics(Statistic):
    """First and second moments of velocity at every distance from the wall.

        U_i(y) = <u_i>,   R_ij(y) = <u_i u_j> - U_i U_j,   <.> over x, z and all updates

    Means and moments about the mean are updated, never sums of squares, so that single precision loses nothing over
    long runs. Every update counts alike: give fields at equal intervals of time.

    **Arguments:** `ChannelStatistics.empty` makes them.

    - `count`: number of updates.
    - `mean`: mean velocity `U`.
    - `reynolds_stress`: `R`.

    Source: Chan, Golub and LeVeque, The American Statistician 37, 1983, 242-247, doi:10.1080/00031305.1983.10483115.
    """

    count: Float[Array, "..."]
    mean: Float[Array, "... component y"]
    reynolds_stress: Float[Array, "... component component y"]

    @classmethod
    def empty(cls, num_points: int, num_components: int = 3, dtype: DTypeLike = float) -> "ChannelStatistics":
        """Statistics of nothing yet, at `num_points` wall-normal points."""
        mean = jnp.zeros((num_components, num_points), dtype)
        return cls(jnp.zeros((), dtype), mean, jnp.zeros((num_components, *mean.shape), dtype))

    def update(self, fields: Float[Array, "component x y z"]) -> "ChannelStatistics":
        """With one more velocity field (or velocity and scalars; `fields` beyond the statistics' own are not used)."""
        velocity = fields[: self.mean.shape[-2]].astype(self.mean.dtype)
        mean, stress = moments(velocity, homogeneous=(0, 2))
        return self.merge(ChannelStatistics(jnp.ones_like(self.count), mean, stress))

    def merge(self, other: "ChannelStatistics") -> "ChannelStatistics":
        count, share = merged_count(self.count, other.count)
        mean, stress = merged_moments(self.mean, self.reynolds_stress, other.mean, other.reynolds_stress, share)
        return ChannelStatistics(count, mean, stress)

    @property
    def root_mean_square(self) -> Float[Array, "... component y"]:
        """Root mean square of each component's fluctuation; its derivative where there is none is taken as zero."""
        return safe_root(jnp.diagonal(self.reynolds_stress, axis1=-3, axis2=-2).swapaxes(-1, -2))

    def total_shear_stress(
        self, derivative: Float[np.ndarray | Array, "y y"], viscosity: float | Float[Array, ""]
    ) -> Float[Array, " y"]:
        """Viscous and turbulent shear stress; a straight line in `y` once the averages have converged.

            tau = nu dU/dy - <u'v'>

        **Arguments:** `derivative`, the matrix of `d/dy` on the wall-normal points, and the kinematic `viscosity`.
        """
        return viscosity * self._shear(derivative) - self.reynolds_stress[0, 1]

    def production(self, derivative: Float[np.ndarray | Array, "y y"]) -> Float[Array, " y"]:
        """What the fluctuations take from the mean flow, in the budget of their kinetic energy.

            P = -<u'v'> dU/dy

        **Arguments:** `derivative`, the matrix of `d/dy` on the wall-normal points.
        """
        return -self.reynolds_stress[0, 1] * self._shear(derivative)

    def _shear(self, derivative: Float[np.ndarray | Array, "y y"]) -> Float[Array, " y"]:
        return jnp.matmul(jnp.asarray(derivative, self.mean.dtype), self.mean[0], precision="highest")

    def folded(self) -> "ChannelStatistics":
        """The mean with the mirror image about the centre plane, on points that lie symmetrically about it.

        Mirroring turns the sign of the second component, and of every stress with one such index.
        """
        sign = jnp.asarray(
            [-1.0 if component == 1 else 1.0 for component in range(self.mean.shape[0])], self.mean.dtype
        )
        mirrored = sign[:, None] * self.mean[:, ::-1]
        stress = (sign[:, None] * sign[None])[..., None] * self.reynolds_stress[..., ::-1]
        return ChannelStatistics(self.count, 0.5 * (self.mean + mirrored), 0.5 * (self.reynolds_stress + stress))
