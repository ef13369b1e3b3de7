"""One-dimensional spectra and two-point correlations of a channel."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, DTypeLike, Float

from fieldcast.simulators.statistic import Statistic, merged_count


class LineSpectra(Statistic):
    """Spectra of the fluctuations along a periodic axis, in chosen planes parallel to the walls.

        E_i(k) = <|u_i'^(k)|^2>, both signs of k together,   sum_k E_i(k) = <u_i'^2>

    with `u' = u - <u>`, means over the plane and all updates, and `f^(k) = 1/n sum_j f_j exp(-i k x_j)`. Divide by the
    spacing of wavenumbers, `2 pi / L`, for a density. The correlations `<u_i'(x) u_i'(x + r)>` are the same numbers
    transformed back.

    **Arguments:** `LineSpectra.empty` makes the arrays.

    - `axis`: of space, 0 for x or 2 for z.
    - `num_points` along it.
    - `planes`: wall-normal indices.
    - `count`: number of updates, `mean`: mean velocity of each plane, `spectrum`: `E`.

    Source: Pope, Turbulent Flows, Cambridge 2000, appendix E.
    """

    axis: int = eqx.field(static=True)
    num_points: int = eqx.field(static=True)
    planes: tuple[int, ...] = eqx.field(static=True)
    count: Float[Array, "..."]
    mean: Float[Array, "... component plane"]
    spectrum: Float[Array, "... component plane wavenumber"]

    @classmethod
    def empty(
        cls,
        axis: int,
        num_points: int,
        planes: tuple[int, ...],
        num_components: int = 3,
        dtype: DTypeLike = float,
    ) -> "LineSpectra":
        """Spectra of nothing yet."""
        if axis not in (0, 2):
            raise ValueError(f"Spectra run along axis 0 (x) or 2 (z) of a channel, got axis {axis}.")
        mean = jnp.zeros((num_components, len(planes)), dtype)
        spectrum = jnp.zeros((*mean.shape, num_points // 2 + 1), dtype)
        return cls(axis, num_points, planes, jnp.zeros((), dtype), mean, spectrum)

    def update(self, fields: Float[Array, "component x y z"]) -> "LineSpectra":
        """With one more velocity field."""
        if any(not 0 <= plane < fields.shape[2] for plane in self.planes):
            raise ValueError(f"Planes {self.planes} are not all among the {fields.shape[2]} wall-normal points.")
        velocity = fields[: self.mean.shape[-2], :, list(self.planes)].astype(self.mean.dtype)
        mean = jnp.mean(velocity, axis=(1, 3))
        fluctuation = jnp.moveaxis(velocity - mean[:, None, :, None], 1 + self.axis, -1)  # component, ., ., axis
        modes = jnp.fft.rfft(fluctuation, axis=-1, norm="forward")
        across = 2 if self.axis == 0 else 1
        power = jnp.mean(jnp.real(modes) ** 2 + jnp.imag(modes) ** 2, axis=across)
        spectrum = power * self._multiplicity()
        return self.merge(self._with(jnp.ones_like(self.count), mean, spectrum))

    def merge(self, other: "LineSpectra") -> "LineSpectra":
        count, share = merged_count(self.count, other.count)
        difference = other.mean - self.mean
        spectrum = self.spectrum + share * (other.spectrum - self.spectrum)
        spectrum = spectrum.at[..., 0].add(share * (1.0 - share) * difference**2)  # the planes' means differ
        return self._with(count, self.mean + share * difference, spectrum)

    def wavenumbers(self, length: float) -> np.ndarray:
        """Angular wavenumbers of the spectrum along an axis of this length."""
        return 2.0 * math.pi / length * np.arange(self.num_points // 2 + 1)

    @property
    def correlation(self) -> Float[Array, "component plane separation"]:
        """`<u_i'(x) u_i'(x + r)>` at separations of 0, 1, ... points, up to half the period."""
        modes = self.spectrum / self._multiplicity()
        correlation = jnp.fft.irfft(
            lax.complex(modes, jnp.zeros_like(modes)), n=self.num_points, axis=-1, norm="forward"
        )
        return correlation[..., : self.num_points // 2 + 1]

    def _multiplicity(self) -> Float[Array, "1 1 wavenumber"]:
        return jnp.asarray(half_spectrum_multiplicity(self.num_points), self.spectrum.dtype)[None, None]

    def _with(self, count: Array, mean: Array, spectrum: Array) -> "LineSpectra":
        return LineSpectra(self.axis, self.num_points, self.planes, count, mean, spectrum)


def half_spectrum_multiplicity(num_points: int) -> np.ndarray:
    """How many of the wavenumbers `k` and `-k` each entry of a half spectrum stands for: two, but for its ends."""
    multiplicity = np.full(num_points // 2 + 1, 2.0)
    multiplicity[0] = 1.0
    if num_points % 2 == 0:
        multiplicity[-1] = 1.0
    return multiplicity
