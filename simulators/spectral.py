"""Fourier symbols of differential operators on regular periodic grids.

A field's derivative is its spectrum times a symbol; every symbol here is an array that broadcasts against the spectrum.
Spectra of real fields are kept as the non-redundant half along the last axis (`half=True`, the layout of `rfftn`),
spectra of complex fields in full (`half=False`, the layout of `fftn`).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Complex, DTypeLike, Float, Inexact


def wavenumbers(
    shape: tuple[int, ...], spacing: float | tuple[float, ...], *, half: bool = True
) -> tuple[np.ndarray, ...]:
    """Angular wavenumbers [rad/m] along each axis, each shaped to broadcast against the spectrum.

    **Arguments:**

    - `shape`: points of the grid along each axis.
    - `spacing`: distance of neighbouring points [m], one for all axes or one an axis.
    - `half`: layout of `rfftn` instead of `fftn`.
    """
    spacings = spacing if isinstance(spacing, tuple) else (spacing,) * len(shape)
    vectors = []
    for axis, (num_points, d) in enumerate(zip(shape, spacings, strict=True)):
        last = axis == len(shape) - 1
        frequencies = np.fft.rfftfreq if half and last else np.fft.fftfreq
        broadcast = tuple(-1 if other == axis else 1 for other in range(len(shape)))
        vectors.append((2.0 * math.pi * frequencies(num_points, d=d)).reshape(broadcast))
    return tuple(vectors)


def magnitude(wavenumbers: tuple[np.ndarray, ...], dtype: DTypeLike = float) -> Float[Array, "*spectrum"]:
    """`|k|` [rad/m], of the spectrum's shape.

    Made from the vectors where it is used: a compiled program holds no array as large as the field.
    """
    return jnp.sqrt(sum(jnp.asarray(k, dtype) ** 2 for k in wavenumbers))


def largest_wavenumber(shape: tuple[int, ...], spacing: float) -> float:
    """The largest `|k|` that the grid holds [rad/m]."""
    return math.sqrt(sum((2.0 * math.pi * (n // 2) / (n * spacing)) ** 2 for n in shape))


def staggered_derivatives(wavenumbers: tuple[np.ndarray, ...], spacing: float, shift: float) -> tuple[np.ndarray, ...]:
    """Symbols of the first derivative along each axis, evaluated `shift` points further along that axis.

        ik exp(i k shift spacing)

    With a shift of half a point the highest wavenumber of an even axis gives the real value `-pi/spacing` whatever
    its sign, so half and full layout agree without a special case. (Without shift it would have to be zero.)

    **Arguments:**

    - `wavenumbers` [rad/m], from `wavenumbers`.
    - `spacing` [m].
    - `shift`: `+0.5` for the derivative of a field on the grid at the staggered points, `-0.5` for the way back.
    """
    return tuple(1j * k * np.exp(1j * k * (shift * spacing)) for k in wavenumbers)


def fractional_laplacian(magnitude: Float[Array, "*spectrum"], exponent: float) -> Float[Array, "*spectrum"]:
    """`|k|^exponent`, the symbol of `(-laplacian)^(exponent/2)`; zero at `k = 0`, also for a negative exponent."""
    positive = magnitude > 0
    return jnp.where(positive, jnp.where(positive, magnitude, 1.0) ** exponent, 0.0)


def sinc(x: ArrayLike) -> Float[Array, "..."]:
    """`sin(x) / x`."""
    return jnp.sinc(jnp.asarray(x) / math.pi)


def scaled(spectrum: Inexact[Array, "..."], factor: Float[Array | np.ndarray, "..."]) -> Inexact[Array, "..."]:
    """A spectrum, complex or real, times a real factor of the same precision; they may broadcast."""
    if not jnp.iscomplexobj(spectrum):
        return spectrum * factor
    return jax.lax.complex(jnp.real(spectrum) * factor, jnp.imag(spectrum) * factor)


def real_fft(field: Float[Array, "*space"]) -> Complex[Array, "*spectrum"]:
    """Half spectrum of a real field over all its axes."""
    return jnp.fft.rfftn(field)


def inverse_real_fft(spectrum: Complex[Array, "*spectrum"], shape: tuple[int, ...]) -> Float[Array, "*space"]:
    """The real field of the given `shape` with this half spectrum."""
    return jnp.fft.irfftn(spectrum, s=shape)
