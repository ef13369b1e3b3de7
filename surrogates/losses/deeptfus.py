"""The loss of DeepTFUS, which counts most near the focus."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from fieldcast.surrogates.losses.loss import Loss


def log_normalise(pressure: Float[Array, "*space"], p_max: ArrayLike) -> Float[Array, "*space"]:
    """Compress the range of an amplitude: `u = log(1 + p / p_max)`.

    The peak becomes `log 2`, the -6 dB contour `log 1.5`.

    **Arguments:** `pressure`: amplitude [Pa]; `p_max`: the amplitude to which it is compared, usually its peak [Pa].
    """
    return jnp.log1p(pressure / p_max)


def log_denormalise(field: Float[Array, "*space"], p_max: ArrayLike) -> Float[Array, "*space"]:
    """The inverse of `log_normalise`: `p = p_max (exp(u) - 1)` [Pa]."""
    return jnp.expm1(field) * p_max


def peak_weights(target: Float[Array, "*space"], alpha: float = 5.0) -> Float[Array, "*space"]:
    """Weights that grow exponentially towards the peak of one sample; their mean is one.

    `w(v) = exp(alpha (P(v) - max P)) / mean_v exp(alpha (P(v) - max P))`
    """
    weights = jnp.exp(alpha * (target - jnp.max(target)))
    return weights / jnp.mean(weights)


def peak_weighted_error(
    prediction: Float[Array, "*space"], target: Float[Array, "*space"], alpha: float = 5.0
) -> Float[Array, ""]:
    """Mean squared error that counts most near the peak of the target.

    `L_weighted = mean_v w(v) (P_hat(v) - P(v))^2`, with the `peak_weights` of the target
    """
    return jnp.mean(peak_weights(target, alpha) * (prediction - target) ** 2)


def gradient_error(
    prediction: Float[Array, "*space"],
    target: Float[Array, "*space"],
    penalty: Callable[[Array], Array] = jnp.square,
) -> Float[Array, ""]:
    """Error of the slopes, from differences of neighbouring points (per grid step).

    `L_grad = 1/d sum_i mean_v penalty(d_i P_hat - d_i P)`

    The published norm is the squared one; `jnp.abs` gives the form of an open reproduction.
    """
    error = prediction - target
    slopes = [jnp.mean(penalty(jnp.diff(error, axis=axis))) for axis in range(error.ndim)]
    return sum(slopes[1:], slopes[0]) / error.ndim


def deeptfus_loss(
    prediction: Float[Array, "*space"],
    target: Float[Array, "*space"],
    alpha: float = 5.0,
    gradient_weight: float = 0.1,
) -> Float[Array, ""]:
    """The loss of DeepTFUS for one sample: `L = L_weighted + gradient_weight L_grad`.

    **Arguments:**

    - `prediction`, `target`: log-normalised amplitude (`log_normalise`), without a channel axis.
    - `alpha`: how steeply the weight grows towards the peak.
    - `gradient_weight`: share of the slopes.

    Eq. 4-6 of Srivastav et al. 2025, arXiv:2505.12998.
    """
    weighted = peak_weighted_error(prediction, target, alpha)
    return weighted + gradient_weight * gradient_error(prediction, target)


@dataclass(frozen=True)
class PeakWeightedError(Loss):
    """`deeptfus_loss` as an object: the mean over the channels, each with weights of its own.

    **Arguments:** `alpha` and `gradient_weight`, those of `deeptfus_loss`.
    """

    alpha: float = 5.0
    gradient_weight: float = 0.1

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        each = jax.vmap(lambda *pair: deeptfus_loss(*pair, self.alpha, self.gradient_weight))
        return jnp.mean(each(prediction, target))
