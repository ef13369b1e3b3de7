"""A loss that compares spectra."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.shell_spectrum import shell_spectrum
from fieldcast.surrogates.losses.loss import Loss


@dataclass(frozen=True)
class LogSpectralDistance(Loss):
    """Mean squared logarithm of the ratio of two energy spectra: every decade of energy counts alike.

        mean over channels and shells of  ln^2((E_hat_n + f) / (E_n + f)),   f = floor * sum_n E_n

    with the shells of `shell_spectrum`, the mean (shell 0) left out. It sees no phases, so it is added to a loss that
    does (`SumOfLosses`). The square of the log spectral distance.

    **Arguments:**

    - `lengths` of the periodic box along each axis.
    - `floor`: energy, as a part of the target's, below which nothing is compared.

    Source: A. Gray, J. Markel, Distance measures for speech processing, IEEE Trans. ASSP 24, 1976,
    doi:10.1109/TASSP.1976.1162849.
    """

    lengths: tuple[float, ...]
    floor: float = 1e-6

    def __post_init__(self):
        if not 0 < self.floor < 1:
            raise ValueError(f"The floor is a part of the energy, between zero and one, got {self.floor}.")

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        box = PeriodicBox(target.shape[1:], tuple(map(float, self.lengths)))
        predicted, true = (
            jax.vmap(lambda channel: shell_spectrum(channel[None], box)[1:])(field) for field in (prediction, target)
        )
        floor = self.floor * jnp.sum(true, axis=1, keepdims=True)
        return jnp.mean((jnp.log(predicted + floor) - jnp.log(true + floor)) ** 2)
