"""Modules around a model, each of which changes one thing about how it is called.

They nest: `Increment(Normalised(model, ...))` predicts what is added to the field, in normalised units.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.surrogates.layers.coordinates import append_coordinates
from fieldcast.surrogates.layers.leray_projection import leray_projection

Model = Callable[..., Array]


class ChannelStatistics(eqx.Module):
    """Mean and standard deviation of every channel of a field, in the field's unit.

    They are constants of a model, not parameters: no optimiser sees them.
    """

    mean: tuple[float, ...] = eqx.field(static=True)
    deviation: tuple[float, ...] = eqx.field(static=True)

    def __check_init__(self):
        if len(self.mean) != len(self.deviation) or any(value <= 0 for value in self.deviation):
            raise ValueError(
                f"Needed: as many means as standard deviations, and those positive; got {self.mean}, {self.deviation}."
            )

    def normalise(self, x: Float[Array, "channel *space"]) -> Float[Array, "channel *space"]:
        """`(x - mean) / deviation`"""
        return (x - self._along(self.mean, x)) / self._along(self.deviation, x)

    def restore(self, x: Float[Array, "channel *space"]) -> Float[Array, "channel *space"]:
        """`x deviation + mean`"""
        return x * self._along(self.deviation, x) + self._along(self.mean, x)

    def _along(self, values: tuple[float, ...], x: Array) -> Array:
        if len(values) != x.shape[0]:
            raise ValueError(f"These are statistics of {len(values)} channel(s), got a field of {x.shape[0]}.")
        return jnp.expand_dims(jnp.asarray(values, x.dtype), range(1, x.ndim))


class Normalised(eqx.Module):
    """A model of normalised fields, for fields as they are.

    `u_next = restore_out(model(normalise_in(u)))`

    **Arguments:** `model`, `inputs` and `outputs`: statistics of what goes in and of what comes out.
    """

    model: Model
    inputs: ChannelStatistics
    outputs: ChannelStatistics

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.outputs.restore(self.model(self.inputs.normalise(u)))


class Increment(eqx.Module):
    """A model that predicts what changes: its answer is added to the last channels of its input.

    `u_next = u_last + model(u)`

    With history in the channels, the latest field comes last.
    """

    model: Model

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        change = self.model(u)
        if change.shape[0] > u.shape[0]:
            raise ValueError(f"A change of {change.shape[0]} channels cannot be added to a field of {u.shape[0]}.")
        return u[-change.shape[0] :] + change


class WithHistory(eqx.Module):
    """A model of several past fields, as one that steps the stack of them: the oldest goes, the next is appended.

    `model` receives the fields in the order of time in its channels; the state of a rollout is the stack.
    """

    model: Model

    def __call__(self, frames: Float[Array, "time channel *space"]) -> Float[Array, "time channel *space"]:
        following = self.model(frames.reshape(-1, *frames.shape[2:]))
        if following.shape != frames.shape[1:]:
            raise ValueError(
                f"The model must answer with a field of shape {frames.shape[1:]}, like those it receives; got "
                f"{following.shape}."
            )
        return jnp.concatenate([frames[1:], following[None]])


class WithCoordinates(eqx.Module):
    """A model that sees where it is: coordinates from zero to one follow the channels of the field."""

    model: Model

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.model(append_coordinates(u))


class WithParameters(eqx.Module):
    """A conditioned model with its numbers (lead time, coefficients) held fixed.

    `u_next = model(u, parameters)`; gradients reach the parameters, so they can be fitted to observations.
    """

    model: Model
    parameters: Float[Array, " parameter"]

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.model(u, self.parameters)


class Cast(eqx.Module):
    """A model that computes in another precision, with its parameters kept as they are.

    **Arguments:** `model`, and `dtype` of the computation, such as `jnp.bfloat16`; the answer has the input's.
    """

    model: Model
    dtype: jnp.dtype = eqx.field(static=True, converter=jnp.dtype)

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        def cast(leaf):
            return leaf.astype(self.dtype) if eqx.is_inexact_array(leaf) else leaf

        return jax.tree.map(cast, self.model)(u.astype(self.dtype)).astype(u.dtype)


class OnGrid(eqx.Module):
    """A model of one grid, for fields on any other: they are resampled to its grid, and its answer back to theirs.

    `u_next = R_back(model(R(u)))`

    What its grid does not hold is lost; on its own grid nothing changes.

    **Arguments:**

    - `model`.
    - `shape`: points of its grid along each axis.
    - `resample`: from a field and a shape to the field on that grid, such as `fourier_resample`.
    """

    model: Model
    shape: tuple[int, ...] = eqx.field(static=True)
    resample: Callable[[Array, tuple[int, ...]], Array]

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.resample(self.model(self.resample(u, self.shape)), u.shape[1:])


class DivergenceFree(eqx.Module):
    """A model whose velocity is projected onto periodic fields without divergence.

    **Arguments:**

    - `model`: its first channels are the components of the velocity, one an axis; further channels stay as they are.
    - `lengths`: of the periodic domain along each axis.
    """

    model: Model
    lengths: tuple[float, ...] = eqx.field(static=True)

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        following, dims = self.model(u), len(self.lengths)
        if following.shape[0] < dims:
            raise ValueError(f"A velocity on {dims} axes has {dims} components; the model gave {following.shape[0]}.")
        return jnp.concatenate([leray_projection(following[:dims], self.lengths), following[dims:]])
