"""A loss that also compares slopes."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows.line_spectra import half_spectrum_multiplicity
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.surrogates.losses.loss import Loss
from fieldcast.surrogates.losses.relative import relative_norm


@dataclass(frozen=True)
class RelativeH1(Loss):
    """Relative error of a periodic field and of its gradient, in the Sobolev norm of order one.

        ||u_hat - u||_H1 / ||u||_H1,   ||u||_H1^2 = sum_k (1 + |k|^2) |u^(k)|^2 = <|u|^2> + <|grad u|^2>

    Derivatives are those of the trigonometric polynomial through the points, a wave of two points included. Gradients
    are per length, so the unit of length decides how much slopes count.

    **Arguments:** `lengths` of the periodic box along each axis.

    Source: Li et al., Learning dissipative dynamics in chaotic systems, NeurIPS 2022, arXiv:2106.06898.
    """

    lengths: tuple[float, ...]

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        return relative_norm(self._square(prediction - target), self._square(target))

    def _square(self, field: Float[Array, "channel *space"]) -> Float[Array, ""]:
        box = PeriodicBox(field.shape[1:], tuple(map(float, self.lengths)))
        modes = jnp.fft.rfftn(field, axes=tuple(range(1, field.ndim)), norm="forward")
        power = jnp.sum(jnp.real(modes) ** 2 + jnp.imag(modes) ** 2, axis=0)
        power = power * jnp.asarray(half_spectrum_multiplicity(field.shape[-1]), field.dtype).reshape(
            (1,) * (power.ndim - 1) + (-1,)
        )
        return jnp.sum(power) + sum(jnp.sum(power * jnp.asarray(k, field.dtype) ** 2) for k in box.wavenumbers())
