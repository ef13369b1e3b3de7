"""Energy spectra over shells of wavenumber."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.line_spectra import half_spectrum_multiplicity
from fieldcast.simulators.flows.periodic_box import PeriodicBox


def shell_wavenumbers(box: PeriodicBox) -> np.ndarray:
    """Mean radius of every shell: multiples of the smallest wavenumber of the box, `2 pi / max(L)`."""
    largest = math.sqrt(sum(float(np.abs(k).max()) ** 2 for k in box.wavenumbers()))
    return _shell_width(box) * np.arange(round(largest / _shell_width(box)) + 1)


def shell_spectrum(velocity: Float[Array, "component *space"], box: PeriodicBox) -> Float[Array, " shell"]:
    """Kinetic energy of each shell of wavenumbers.

        E_n = sum_{|k| in shell n} 1/2 |u^(k)|^2,   shell n: |k| / k_0 rounds to n,   k_0 = 2 pi / max(L)

    The sum over all shells is the kinetic energy `1/2 <u.u>`: corners of the box of wavenumbers, beyond the largest
    whole shell, are included. Divide by `k_0` for a density.

    **Arguments:**

    - `velocity`: any number of components; one component gives half the spectrum of a scalar's variance.
    - `box`: where it lives, with one, two or three axes.

    **Returns:** the energy at `shell_wavenumbers(box)`.
    """
    axes = tuple(range(1, velocity.ndim))
    modes = jnp.fft.rfftn(velocity, axes=axes, norm="forward")
    multiplicity = jnp.asarray(half_spectrum_multiplicity(box.num_points[-1]), velocity.dtype)
    power = jnp.sum(jnp.real(modes) ** 2 + jnp.imag(modes) ** 2, axis=0)
    power = power * multiplicity.reshape((1,) * (power.ndim - 1) + (-1,))
    radius = spectral.magnitude(box.wavenumbers(), velocity.dtype) / _shell_width(box)
    shell = jnp.round(radius).astype(jnp.int32)
    return jnp.zeros(len(shell_wavenumbers(box)), velocity.dtype).at[shell].add(0.5 * power)


def _shell_width(box: PeriodicBox) -> float:
    return 2.0 * math.pi / max(box.lengths)
