"""Filters of large-eddy simulation along periodic axes."""

import abc
import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class PeriodicFilter(eqx.Module):
    """A convolution along some periodic axes, given by its transfer function.

        f^(k) -> prod_i G(k_i, Delta_i) f^(k)

    **Arguments:**

    - `widths`: filter width `Delta` along each space axis; `None` leaves an axis alone, such as a channel's
      wall-normal one.
    - `lengths`: period of each space axis; `None` where there is no width.

    The space axes are the last ones of what is filtered, any number of axes may lie in front.

    Source: Pope, Turbulent Flows, Cambridge 2000, table 13.2 and section 13.2.
    """

    widths: tuple[float | None, ...] = eqx.field(static=True)
    lengths: tuple[float | None, ...] = eqx.field(static=True)

    def __check_init__(self):
        pairs = list(zip(self.widths, self.lengths, strict=False))
        if len(self.widths) != len(self.lengths) or any(
            width is not None and not (width >= 0 and length is not None and length > 0) for width, length in pairs
        ):
            raise ValueError(
                "A filter needs a width and a period, or None, for every space axis; widths of at least zero, positive "
                f"periods. Got widths {self.widths} and lengths {self.lengths}."
            )

    @abc.abstractmethod
    def transfer(self, wavenumber: np.ndarray, width: float) -> np.ndarray:
        """`G(k, Delta)` at angular wavenumbers; real, even in `k`, one at zero."""

    def __call__(self, fields: Float[Array, "..."]) -> Float[Array, "..."]:
        """The filtered fields."""
        for axis, (width, length) in enumerate(zip(self.widths, self.lengths, strict=True), -len(self.widths)):
            if width is not None:
                fields = self._along(fields, axis, width, length)
        return fields

    def _along(self, fields: Float[Array, "..."], axis: int, width: float, length: float) -> Float[Array, "..."]:
        num_points = fields.shape[axis]
        wavenumber = 2.0 * math.pi / length * np.arange(num_points // 2 + 1)
        transfer = jnp.asarray(self.transfer(wavenumber, width), fields.dtype)
        transfer = jnp.expand_dims(transfer, tuple(other for other in range(-fields.ndim, 0) if other != axis))
        spectrum = jnp.fft.rfft(fields, axis=axis)
        return jnp.fft.irfft(spectrum * transfer.astype(spectrum.dtype), n=num_points, axis=axis)


class BoxFilter(PeriodicFilter):
    """The mean over an interval of the filter's width.

    G = sin(k Delta / 2) / (k Delta / 2)
    """

    def transfer(self, wavenumber: np.ndarray, width: float) -> np.ndarray:
        return np.sinc(0.5 * wavenumber * width / math.pi)


class GaussianFilter(PeriodicFilter):
    """The Gaussian with the box filter's second moment.

    G = exp(-k^2 Delta^2 / 24)
    """

    def transfer(self, wavenumber: np.ndarray, width: float) -> np.ndarray:
        return np.exp(-((wavenumber * width) ** 2) / 24.0)


class SharpFilter(PeriodicFilter):
    """The sharp spectral filter: it keeps what a grid of spacing `Delta` resolves.

        G = 1 for |k| < pi / Delta, else 0

    A mode exactly at `pi / Delta`, of which that grid holds only half, is removed.
    """

    def transfer(self, wavenumber: np.ndarray, width: float) -> np.ndarray:
        return (wavenumber * width < math.pi * (1.0 - 1e-9)).astype(float)  # the margin: round-off of k Delta
