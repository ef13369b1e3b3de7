"""From a scene to what a network sees, and from what it says to pressure."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, PRNGKeyArray

from fieldcast.simulators.acoustics.free_field import FreeFieldTable, evaluate
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.surrogates.deeptfus import Conditioning, DeepTFUS, Prediction
from fieldcast.surrogates.layers.patches import from_patches, to_patches
from fieldcast.surrogates.losses import AmplitudeLoss, Loss, PeakWeightedError, log_normalise

HOUNSFIELD_MAX = 2000.0
"""CT numbers are clipped to 0 .. 2000 HU and divided by this."""


class ModelInput(eqx.Module):
    """A scene in the space in which networks learn.

    - `hounsfield`: CT numbers, 0 .. 2000 HU mapped to 0 .. 1.
    - `free_field`: pressure of the transducer alone in water, driven with phase zero, relative to `reference`.
    - `points`: points of the radiating surface; the grid spans -1 .. 1 along each axis.
    - `reference`: largest amplitude of the free field on the grid [Pa].
    """

    hounsfield: Float[Array | np.ndarray, "*space"]
    free_field: Complex[Array | np.ndarray, "*space"]
    points: Float[Array | np.ndarray, "point axis"]
    reference: Float[Array | np.ndarray, ""]


class TrueField(eqx.Module):
    """What a model learns from.

    - `pressure`: relative to the scene's reference and to the phase of the drive. Where the truth has no phase, the
      amplitude.
    - `region`: the points among which the focus is looked for (`Scene.focus_region`).
    """

    pressure: Complex[Array | np.ndarray, "*space"]
    region: Bool[Array | np.ndarray, "*space"]


def encode(head: Head, transducer: FocusedBowl, table: FreeFieldTable, num_points: int) -> ModelInput:
    """What a network sees of a scene; differentiable in the CT and in the transducer's pose."""
    grid = head.grid
    in_phase = eqx.tree_at(lambda t: t.phase, transducer, jnp.zeros_like(transducer.phase))
    free_field = evaluate(table, in_phase, grid)
    reference = jnp.max(jnp.abs(free_field))
    index = grid.to_index(transducer.surface_points(num_points))
    last = jnp.asarray(np.asarray(grid.shape) - 1, index.dtype)
    return ModelInput(
        hounsfield=jnp.clip(head.hounsfield, 0.0, HOUNSFIELD_MAX) / HOUNSFIELD_MAX,
        free_field=free_field / reference.astype(free_field.dtype),
        points=2.0 * index / last[None] - 1.0,
        reference=reference,
    )


class PressureModel(eqx.Module):
    """A network and the space in which it speaks: `relative_amplitude = model(inputs)`, in units of the reference."""

    @abc.abstractmethod
    def __call__(self, inputs: ModelInput) -> Float[Array, "*space"]:
        """Pressure amplitude relative to `inputs.reference`."""

    @abc.abstractmethod
    def loss(self, inputs: ModelInput, truth: TrueField) -> Float[Array, ""]:
        """How far the prediction is from the truth."""


class PatchedNetwork(eqx.Module):
    """DeepTFUS on patches: cubes of `patch_size` points a side are the channels of one point of its finest level.

    With a patch of one point it is the network itself. Two points a side are an eighth of the work at equal width, and
    twice the width in half the time, which is what lets a CPU answer fast.

    **Arguments:**

    - `in_channels`, `out_channels`: on the grid.
    - `patch_size`, and DeepTFUS' own `num_spatial_dims`, `base_width`, `num_levels`, `conditioning`.
    - `key`.
    """

    network: DeepTFUS
    patch_size: int = eqx.field(static=True)

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        out_channels: int,
        patch_size: int,
        base_width: int,
        num_levels: int,
        conditioning: Conditioning,
        *,
        key: PRNGKeyArray,
    ):
        points = patch_size**num_spatial_dims
        self.network = DeepTFUS(
            num_spatial_dims=num_spatial_dims,
            in_channels=points * in_channels,
            out_channels=points * out_channels,
            base_width=base_width,
            num_levels=num_levels,
            conditioning=conditioning,
            key=key,
        )
        self.patch_size = patch_size

    def __call__(self, volume: Float[Array, "channel *space"], points: Float[Array, "point axis"]) -> Prediction:
        prediction = self.network(to_patches(volume, self.patch_size), points)
        return Prediction(from_patches(prediction.field, self.patch_size), prediction.log_scale)


Channel = Callable[[ModelInput], Float[Array, "*space"]]
"""One field that a network sees of a scene."""


def ct_channel(inputs: ModelInput) -> Float[Array, "*space"]:
    """CT numbers, 0 .. 2000 HU mapped to 0 .. 1."""
    return jnp.asarray(inputs.hounsfield)


def free_field_channel(inputs: ModelInput) -> Float[Array, "*space"]:
    """`log(1 + |p_free| / p_reference)`"""
    return jnp.log1p(jnp.abs(inputs.free_field))


class TransducerConditioned(PressureModel):
    """DeepTFUS as published: CT and transducer points in, the peak-normalised field out.

        u = log(1 + p / max p),    log s = log(max p / p_reference),    p / p_reference = s (exp(u) - 1)

    The network predicts `u` on the grid and the scalar `log s`, so that the answer is in Pa.

    **Arguments:**

    - `network`: from a volume and points to a `Prediction`.
    - `field_loss`: of `u`; by default the published one.
    - `channels`: of the volume; by default the CT alone.
    """

    network: Callable[..., Prediction]
    field_loss: Loss = eqx.field(static=True, default=PeakWeightedError())
    channels: tuple[Channel, ...] = eqx.field(static=True, default=(ct_channel,))

    def __call__(self, inputs: ModelInput) -> Float[Array, "*space"]:
        prediction = self._predict(inputs)
        return jnp.exp(prediction.log_scale) * jnp.expm1(jnp.maximum(prediction.field[0], 0.0))

    def loss(self, inputs: ModelInput, truth: TrueField) -> Float[Array, ""]:
        prediction, amplitude = self._predict(inputs), jnp.abs(truth.pressure)
        peak = jnp.max(amplitude)
        scale_error = (prediction.log_scale - jnp.log(peak)) ** 2
        return self.field_loss(prediction.field, log_normalise(amplitude, peak)[None]) + 0.1 * scale_error

    def _predict(self, inputs: ModelInput) -> Prediction:
        return self.network(jnp.stack([channel(inputs) for channel in self.channels]), jnp.asarray(inputs.points))


class FreeFieldConditioned(PressureModel):
    """DeepTFUS that also receives the transducer's free field in water, and predicts the skull's correction of it.

        p / p_reference = | exp(g) |p_free| / p_reference + r |

    The network says on the grid how much the skull lets through (`g`) and what it adds, the standing waves in front of
    bone and in it (`r`). Both start at zero, so training starts from the free field itself: where a bowl focuses is
    known physics, and the network is left with what the skull does.

    The loss is by default DeepTFUS' with a weight that grows less steeply towards the peak, because what is left to
    learn lies, for the most part, in the weaker standing waves before the skull; and, because a mean of squares makes
    peaks too low, the squared logarithm of the ratio of the peaks.

    **Arguments:** `network`, from two channels to two; `objective`, the loss.
    """

    network: PatchedNetwork
    objective: AmplitudeLoss = eqx.field(
        static=True, default=AmplitudeLoss(PeakWeightedError(alpha=2.0), peak_weight=0.003)
    )

    def __call__(self, inputs: ModelInput) -> Float[Array, "*space"]:
        volume = jnp.stack([ct_channel(inputs), free_field_channel(inputs)])
        transmission, addition = self.network(volume, inputs.points).field
        return jnp.abs(jnp.exp(transmission) * jnp.abs(inputs.free_field) + addition)

    def loss(self, inputs: ModelInput, truth: TrueField) -> Float[Array, ""]:
        return self.objective(self(inputs), jnp.abs(truth.pressure), jnp.asarray(truth.region))
