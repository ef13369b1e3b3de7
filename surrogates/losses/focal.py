"""A loss of the place of the peak, which an error point by point hardly sees."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.surrogates.losses.loss import Loss


@dataclass(frozen=True)
class SoftArgmaxError(Loss):
    """Squared distance of the soft peaks of prediction and target, in grid steps; the mean over the channels.

        |x(u_hat) - x(u)|^2,   x(u) = sum_v v softmax_v(u(v) / temperature)

    The soft peak is the mean place of the points that are at most a few temperatures below the highest, so it has a
    derivative, and it does not jump along a flat focus as the highest point does.

    **Arguments:** `temperature`, in the unit of the field; 0.03 suits a log-normalised one (`log_normalise`).

    An open reproduction adds it to the loss of DeepTFUS, which has no term for the place of the focus.
    """

    temperature: float = 0.03

    def __post_init__(self):
        if not self.temperature > 0:
            raise ValueError(f"The temperature of a soft peak must be positive, got {self.temperature}.")

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        places = jax.vmap(self._place)
        return jnp.mean(jnp.sum((places(prediction) - places(target)) ** 2, axis=1))

    def _place(self, field: Float[Array, "*space"]) -> Float[Array, " axis"]:
        share = jax.nn.softmax(field.ravel() / self.temperature).reshape(field.shape)
        axes = range(field.ndim)
        along = [jnp.sum(share, axis=tuple(other for other in axes if other != axis)) for axis in axes]
        return jnp.stack([jnp.dot(part, jnp.arange(part.size, dtype=field.dtype)) for part in along])
