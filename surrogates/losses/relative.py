"""Losses from squares of differences, absolute and relative."""

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.surrogates.losses.loss import Loss

Weights = tuple[tuple[float, ...], ...]
"""Quadrature weights along each axis of space; none at all stand for points that count alike."""


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """`<|u_hat - u|^2>`, the mean over all channels and points.

    **Arguments:** `weights`: quadrature weights along each axis (`FlowGrid.weights`), for points that are unevenly
    spaced; only their ratios matter. By default all points count alike.
    """

    weights: Weights = ()

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        return jnp.mean(mean_square(prediction - target, self.weights))


@dataclass(frozen=True)
class RelativeL2(Loss):
    """`||u_hat - u|| / ||u||`, norms over all channels and points.

    **Arguments:** `weights`: as in `MeanSquaredError`; the norm is then that of the integral, `||u||^2 = int |u|^2`.
    """

    weights: Weights = ()

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        return relative_norm(*(jnp.sum(mean_square(f, self.weights)) for f in (prediction - target, target)))


@dataclass(frozen=True)
class ChannelRelativeL2(Loss):
    """`mean_c ||u_hat_c - u_c|| / ||u_c||`, norms over space: every channel counts alike, whatever its size.

    A channel that is zero everywhere has no relative error: the loss is then infinite. Use `FieldRelativeL2`, which
    takes it together with others.

    **Arguments:** `weights`: as in `MeanSquaredError`.

    Source: the scaled L2 loss of SineNet, Zhang et al., ICLR 2024, arXiv:2403.19507.
    """

    weights: Weights = ()

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        return jnp.mean(relative_norm(*(mean_square(f, self.weights) for f in (prediction - target, target))))


@dataclass(frozen=True)
class FieldRelativeL2(Loss):
    """`mean_f ||u_hat_f - u_f|| / ||u_f||`: every field counts alike, and a vector is one field.

    **Arguments:**

    - `fields`: the channels of each field, as `fields_of(components)` gives them.
    - `weights`: as in `MeanSquaredError`.
    """

    fields: tuple[tuple[int, ...], ...]
    weights: Weights = ()

    def __post_init__(self):
        if not self.fields or not all(self.fields):
            raise ValueError(f"At least one field of at least one channel is needed, got {self.fields}.")

    def __call__(
        self, prediction: Float[Array, "channel *space"], target: Float[Array, "channel *space"]
    ) -> Float[Array, ""]:
        if max(map(max, self.fields)) >= target.shape[0]:
            raise ValueError(f"The fields {self.fields} are not all among the {target.shape[0]} channels.")
        squares = [mean_square(f, self.weights) for f in (prediction - target, target)]
        errors, sizes = (jnp.stack([jnp.sum(each[jnp.asarray(c)]) for c in self.fields]) for each in squares)
        return jnp.mean(relative_norm(errors, sizes))


def fields_of(components: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """The channels of each field: those called `NAME_x`, `NAME_y` and `NAME_z` are one vector.

    fields_of(("density", "velocity_x", "velocity_y")) == ((0,), (1, 2))
    """
    names = [name[:-2] if name[-2:] in ("_x", "_y", "_z") else name for name in components]
    return tuple(tuple(i for i, other in enumerate(names) if other == name) for name in dict.fromkeys(names))


def mean_square(field: Float[Array, "channel *space"], weights: Weights = ()) -> Float[Array, " channel"]:
    """Mean over space of the square of every channel."""
    square = field**2
    if not weights:
        return jnp.mean(square, axis=tuple(range(1, field.ndim)))
    if tuple(map(len, weights)) != field.shape[1:]:
        raise ValueError(
            f"The weights are those of {tuple(map(len, weights))} points, the field has {field.shape[1:]}."
        )
    for along_axis in reversed(weights):
        share = np.asarray(along_axis) / math.fsum(along_axis)
        square = jnp.matmul(square, jnp.asarray(share, square.dtype), precision="highest")
    return square


def relative_norm(error: Float[Array, "*n"], size: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """`sqrt(error / size)` of squares, whose derivative where the error is zero is taken as zero instead of NaN."""
    ratio = error / size
    wrong = ratio != 0  # so that what is NaN stays NaN
    return jnp.where(wrong, jnp.sqrt(jnp.where(wrong, ratio, 1.0)), 0.0)
