"""The part of a velocity that has no divergence."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def leray_projection(
    u: Float[Array, "component *space"], lengths: tuple[float, ...]
) -> Float[Array, "component *space"]:
    """Subtract the gradient part of a periodic velocity, in Fourier space.

    `u_k <- u_k - k (k . u_k) / |k|^2`

    The highest frequency of an even axis has no derivative along it, and counts as zero there.

    **Arguments:**

    - `u`: one component an axis.
    - `lengths`: of the domain along each axis.
    """
    grid, axes = u.shape[1:], tuple(range(1, u.ndim))
    k = np.stack(np.meshgrid(*_wavenumbers(grid, lengths), indexing="ij"))
    squared = np.sum(k**2, axis=0)
    direction = jnp.asarray(k / np.sqrt(np.where(squared > 0, squared, 1.0)), u.dtype)
    spectrum = jnp.fft.rfftn(u, axes=axes)

    def projected(part: Array) -> Array:
        return part - direction * jnp.sum(direction * part, axis=0, keepdims=True)

    return jnp.fft.irfftn(
        jax.lax.complex(projected(jnp.real(spectrum)), projected(jnp.imag(spectrum))), s=grid, axes=axes
    )


def _wavenumbers(grid: tuple[int, ...], lengths: tuple[float, ...]) -> list[np.ndarray]:
    vectors = []
    for axis, (num_points, length) in enumerate(zip(grid, lengths, strict=True)):
        frequencies = np.fft.rfftfreq if axis == len(grid) - 1 else np.fft.fftfreq
        index = np.round(frequencies(num_points, 1.0 / num_points))
        vectors.append(2.0 * math.pi / length * np.where(2 * abs(index) == num_points, 0.0, index))
    return vectors
