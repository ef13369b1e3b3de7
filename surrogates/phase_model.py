"""A pressure model that knows phases: complex pressure instead of amplitude."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from fieldcast.surrogates.losses import AmplitudeLoss, Loss, MeanSquaredError, PeakWeightedError
from fieldcast.surrogates.pressure_model import (
    ModelInput,
    PatchedNetwork,
    PressureModel,
    TrueField,
    ct_channel,
    free_field_channel,
)


class PhaseConditioned(PressureModel):
    """DeepTFUS that corrects the transducer's complex free field, and adds what runs back.

        p / p_reference = exp(g + i h) f + (a + i b) conj(f) + (c + i d),   f = p_free / p_reference

    The first term is the wave that goes on, weakened and delayed by the skull. The second is a wave that returns on
    the same rays, as an echo of a bone at right angles to them does: together they make the standing waves before the
    skull out of coefficients that vary slowly, where an amplitude alone has fringes of half a wavelength. The last term
    is everything else. All six start at zero, so training starts from the free field.

    **Arguments:**

    - `network`: from four channels (CT, logarithm of the free amplitude, real and imaginary free field) to six.
    - `objective`: loss of the amplitude.
    - `wave_loss`: loss of the real and imaginary part, in units of the true peak.

    The truth must be of a solver that gives phases.
    """

    network: PatchedNetwork
    objective: AmplitudeLoss = eqx.field(
        static=True, default=AmplitudeLoss(PeakWeightedError(alpha=2.0), peak_weight=0.003)
    )
    wave_loss: Loss = eqx.field(static=True, default=MeanSquaredError())

    def pressure(self, inputs: ModelInput) -> Complex[Array, "*space"]:
        """Complex pressure relative to `inputs.reference` and to the phase of the drive."""
        free = jnp.asarray(inputs.free_field)
        volume = jnp.stack([ct_channel(inputs), free_field_channel(inputs), free.real, free.imag])
        gain, delay, echo_real, echo_imag, rest_real, rest_imag = self.network(volume, inputs.points).field
        onward = jax.lax.complex(jnp.exp(gain) * jnp.cos(delay), jnp.exp(gain) * jnp.sin(delay))
        echo, rest = jax.lax.complex(echo_real, echo_imag), jax.lax.complex(rest_real, rest_imag)
        return onward * free + echo * jnp.conj(free) + rest

    def __call__(self, inputs: ModelInput) -> Float[Array, "*space"]:
        return jnp.abs(self.pressure(inputs))

    def loss(self, inputs: ModelInput, truth: TrueField) -> Float[Array, ""]:
        predicted, true = self.pressure(inputs), jnp.asarray(truth.pressure)
        amplitude = jnp.abs(true)
        peak = jnp.max(amplitude)
        waves = (jnp.stack([p.real, p.imag]) / peak for p in (predicted, true))
        amplitude_loss = self.objective(jnp.abs(predicted), amplitude, jnp.asarray(truth.region))
        return amplitude_loss + self.wave_loss(*waves)
