"""The loss of an amplitude that is given in units of its own, on the grid and where the focus is."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from fieldcast.surrogates.losses.deeptfus import log_normalise
from fieldcast.surrogates.losses.loss import Loss


@dataclass(frozen=True)
class AmplitudeLoss:
    """The loss of a pressure amplitude.

        L = grid(u_hat, u) + region(v_hat, v) + peak_weight ln^2(max p_hat / max p)

    with `u = log(1 + p / max p)` on the grid, and `v` the same in the region where the focus is looked for, relative
    to the largest true amplitude there, and zero elsewhere. The strongest field is in front of the skull and in it, so
    without the second term a network hardly looks at the focus behind.

    **Arguments:** `grid`, `region` (`None` for none) and `peak_weight`.
    """

    grid: Loss
    region: Loss | None = None
    peak_weight: float = 0.0

    def __call__(
        self, predicted: Float[Array, "*space"], true: Float[Array, "*space"], region: Bool[Array, "*space"]
    ) -> Float[Array, ""]:
        """The loss of `predicted` and `true` amplitude, in one unit, with the `region` of the focus."""
        peak = jnp.max(true)
        loss = self.grid(log_normalise(predicted, peak)[None], log_normalise(true, peak)[None])
        if self.region is not None:
            inside = jnp.max(jnp.where(region, true, 0.0))
            parts = (log_normalise(jnp.where(region, p, 0.0), inside)[None] for p in (predicted, true))
            loss += self.region(*parts)
        if self.peak_weight:  # zero times the logarithm of nothing is no number
            loss += self.peak_weight * jnp.log(jnp.max(predicted) / peak) ** 2
        return loss
