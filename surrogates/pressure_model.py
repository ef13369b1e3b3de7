"""From a scene to what a network sees, and from what it says to pressure."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.free_field import FreeFieldTable, evaluate
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.surrogates.deeptfus import DeepTFUS, Prediction
from fieldcast.surrogates.layers.patches import from_patches, to_patches
from fieldcast.surrogates.losses import deeptfus_loss, log_normalise

HOUNSFIELD_MAX = 2000.0
"""CT numbers are clipped to 0 .. 2000 HU and divided by this."""


class ModelInput(eqx.Module):
    """A scene in the space in which networks learn.

    - `hounsfield`: CT numbers, 0 .. 2000 HU mapped to 0 .. 1.
    - `free_field`: amplitude of the transducer alone in water, relative to `reference`.
    - `points`: points of the radiating surface; the grid spans -1 .. 1 along each axis.
    - `reference`: largest amplitude of the free field on the grid [Pa].
    """

    hounsfield: Float[Array | np.ndarray, "*space"]
    free_field: Float[Array | np.ndarray, "*space"]
    points: Float[Array | np.ndarray, "point axis"]
    reference: Float[Array | np.ndarray, ""]


def encode(head: Head, transducer: FocusedBowl, table: FreeFieldTable, num_points: int) -> ModelInput:
    """What a network sees of a scene; differentiable in the CT and in the transducer's pose."""
    grid = head.grid
    free_field = jnp.abs(evaluate(table, transducer, grid))
    reference = jnp.max(free_field)
    index = grid.to_index(transducer.surface_points(num_points))
    last = jnp.asarray(np.asarray(grid.shape) - 1, index.dtype)
    return ModelInput(
        hounsfield=jnp.clip(head.hounsfield, 0.0, HOUNSFIELD_MAX) / HOUNSFIELD_MAX,
        free_field=free_field / reference,
        points=2.0 * index / last[None] - 1.0,
        reference=reference,
    )


class PressureModel(eqx.Module):
    """A network and the space in which it speaks: `relative_amplitude = model(inputs)`, in units of the reference."""

    @abc.abstractmethod
    def __call__(self, inputs: ModelInput) -> Float[Array, "*space"]:
        """Pressure amplitude relative to `inputs.reference`."""

    @abc.abstractmethod
    def loss(self, inputs: ModelInput, relative_amplitude: Float[Array, "*space"]) -> Float[Array, ""]:
        """How far the prediction is from the true relative amplitude."""


class PatchedNetwork(eqx.Module):
    """DeepTFUS on patches: cubes of `patch_size` points a side are the channels of one point of its finest level.

    With a patch of one point it is the network itself. Two points a side are an eighth of the work at equal width, and
    twice the width at a fraction of the time, for the small convolutions that a CPU is slow at.
    """

    network: DeepTFUS
    patch_size: int = eqx.field(static=True)

    def __call__(self, volume: Float[Array, "channel *space"], points: Float[Array, "point axis"]) -> Prediction:
        prediction = self.network(to_patches(volume, self.patch_size), points)
        return Prediction(from_patches(prediction.field, self.patch_size), prediction.log_scale)


class TransducerConditioned(PressureModel):
    """DeepTFUS as published: CT and transducer points in, the peak-normalised field out.

        u = log(1 + p / max p),    log s = log(max p / p_reference),    p / p_reference = s (exp(u) - 1)

    The network predicts `u` on the grid and the scalar `log s`, so that the answer is in Pa.
    """

    network: PatchedNetwork

    def __call__(self, inputs: ModelInput) -> Float[Array, "*space"]:
        prediction = self.network(inputs.hounsfield[None], inputs.points)
        return jnp.exp(prediction.log_scale) * jnp.expm1(jnp.maximum(prediction.field[0], 0.0))

    def loss(self, inputs: ModelInput, relative_amplitude: Float[Array, "*space"]) -> Float[Array, ""]:
        prediction = self.network(inputs.hounsfield[None], inputs.points)
        peak = jnp.max(relative_amplitude)
        target = log_normalise(relative_amplitude, peak)
        scale_error = (prediction.log_scale - jnp.log(peak)) ** 2
        return deeptfus_loss(prediction.field[0], target) + 0.1 * scale_error


class FreeFieldConditioned(PressureModel):
    """DeepTFUS that also receives the transducer's free field in water, and predicts the skull's correction of it.

        log(1 + p / p_reference) = log(1 + p_free / p_reference) + network(CT, free field, points)

    Where a bowl focuses is known physics; the network is left with what the skull does. Its output starts at zero,
    so training starts from the free field itself.
    """

    network: PatchedNetwork

    def __call__(self, inputs: ModelInput) -> Float[Array, "*space"]:
        return jnp.expm1(jnp.maximum(self._log_amplitude(inputs), 0.0))

    def loss(self, inputs: ModelInput, relative_amplitude: Float[Array, "*space"]) -> Float[Array, ""]:
        return deeptfus_loss(self._log_amplitude(inputs), jnp.log1p(relative_amplitude))

    def _log_amplitude(self, inputs: ModelInput) -> Float[Array, "*space"]:
        free_field = jnp.log1p(inputs.free_field)
        volume = jnp.stack([inputs.hounsfield, free_field])
        return free_field + self.network(volume, inputs.points).field[0]
