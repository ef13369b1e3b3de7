"""Random starts of compressible flow."""

import itertools
import math

import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.simulators.flows.periodic_box import PeriodicBox

LARGEST_MODE = 4
WINDOW_WIDTH = 0.01
LEAST_REMAINDER = 0.1
"""Of the mean density and pressure: what a fluctuation leaves at its deepest point."""


def random_compressible_fields(
    box: PeriodicBox, *, key: PRNGKeyArray, mach_number: float = 0.1, heat_capacity_ratio: float = 5.0 / 3.0
) -> Float[Array, "channel *space"]:
    """Random density, velocity and pressure of a few long waves, half of the time inside a window only.

        rho = rho_0 (1 + d_rho s_rho),   p = rho_0 T_0 (1 + d_p s_p),   v = M c_0 s_v,   c_0 = sqrt(gamma T_0)
        rho_0, T_0 ~ U(0.1, 10),   d_rho, d_p ~ U(0.01, 0.2)

    The shapes `s` are independent `random_waves` of mean magnitude one. With probability one half all deviations from
    `(rho_0, 0, rho_0 T_0)` are multiplied by a smooth window, along each axis

        (tanh((x / L - a) / 0.01) - tanh((x / L - b) / 0.01)) / 2,   a ~ U(0.1, 0.45),   b ~ U(0.55, 0.9)

    A fluctuation that would leave less than a tenth of the mean density or pressure somewhere is made smaller.

    **Arguments:**

    - `box`: nine points along each axis at least. The same key gives the same fields on every grid, but for means
      and minima over its points.
    - `mach_number`: mean speed over the sound speed `c_0`.
    - `heat_capacity_ratio`: gamma.

    **Returns:** fields in the order of `CompressibleFlow.components`.

    Source: the two-dimensional compressible data of Takamoto et al., PDEBench, 2022, arXiv:2210.07182, as used by Zhang
    et al., SineNet, 2024, arXiv:2403.19507.
    """
    key_means, key_sizes, key_shapes, key_windowed, key_window = jrandom.split(key, 5)
    mean_density, temperature = jrandom.uniform(key_means, (2,), float, 0.1, 10.0)
    sizes = jrandom.uniform(key_sizes, (2,), float, 0.01, 0.2)
    shapes = jax.vmap(lambda k: random_waves(box, key=k))(jrandom.split(key_shapes, len(box.num_points) + 2))

    speed = mach_number * jnp.sqrt(heat_capacity_ratio * temperature)
    velocity = shapes[1:-1] * (speed / jnp.mean(jnp.sqrt(jnp.sum(shapes[1:-1] ** 2, axis=0))))
    density, pressure = (_fluctuation(shapes[i], size) for i, size in zip((0, -1), sizes, strict=True))

    window = _window(box, key=key_window)
    window = jnp.where(jrandom.bernoulli(key_windowed), window, jnp.ones_like(window))
    density = mean_density * (1.0 + window * density)
    pressure = mean_density * temperature * (1.0 + window * pressure)
    return jnp.concatenate([density[None], window[None] * velocity, pressure[None]])


def random_waves(box: PeriodicBox, *, key: PRNGKeyArray) -> Float[Array, "*space"]:
    """A sum of sines of random phase, of equal energy a shell of wavenumbers.

        s(x) = sum_k |k|^(-(d-1)/2) sin(2 pi k . x / L + phi_k),   k_a = +-1 ... +-4,   phi_k ~ U(0, 2 pi)

    over `d` axes, of which no wavenumber component is zero. In the scales of the box, so lengths do not matter.
    """
    if min(box.num_points) <= 2 * LARGEST_MODE:
        raise ValueError(f"Waves of {LARGEST_MODE} periods need 9 points along each axis, got {box.num_points}.")
    components = [k for k in range(-LARGEST_MODE, LARGEST_MODE + 1) if k != 0]
    modes = np.array(list(itertools.product(components, repeat=len(box.num_points))))
    amplitudes = jnp.asarray(np.linalg.norm(modes, axis=1) ** (-(len(box.num_points) - 1) / 2), float)
    phases = jrandom.uniform(key, amplitudes.shape, float, 0.0, 2.0 * math.pi)
    coefficients = jax.lax.complex(amplitudes * jnp.cos(phases), amplitudes * jnp.sin(phases))
    spectrum = jnp.zeros(box.num_points, coefficients.dtype).at[tuple(modes.T)].set(coefficients)
    return jnp.fft.ifftn(spectrum, norm="forward").imag


def _fluctuation(shape: Float[Array, "*space"], size: Float[Array, ""]) -> Float[Array, "*space"]:
    """The shape with `size` as its mean magnitude, unless it would fall below what must remain."""
    shape = shape / jnp.mean(jnp.abs(shape))
    return shape * jnp.minimum(size, (LEAST_REMAINDER - 1.0) / jnp.min(shape))


def _window(box: PeriodicBox, *, key: PRNGKeyArray) -> Float[Array, "*space"]:
    edges = jrandom.uniform(key, (2, len(box.num_points)), float)
    window = jnp.ones(box.num_points, float)
    for axis, n in enumerate(box.num_points):
        x = jnp.arange(n, dtype=float) / n
        rise = jnp.tanh((x - (0.1 + 0.35 * edges[0, axis])) / WINDOW_WIDTH)
        fall = jnp.tanh((x - (0.55 + 0.35 * edges[1, axis])) / WINDOW_WIDTH)
        along = jnp.expand_dims(0.5 * (rise - fall), [other for other in range(len(box.num_points)) if other != axis])
        window = window * along
    return window
