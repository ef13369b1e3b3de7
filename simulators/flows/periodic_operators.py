"""Operators on the spectra of fields in a periodic box: transforms without aliasing, derivatives, projection, means.

A spectrum is the half spectrum of a real field in the layout of `rfftn`, without the modes that products would alias.
Channels may precede the modes.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, DTypeLike, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.periodic_box import PeriodicBox


def to_spectrum(fields: Float[Array, "..."], box: PeriodicBox) -> Complex[Array, "..."]:
    """The retained modes of a field, or of every channel of fields; the others become zero.

    **Raises:** `ValueError` if the fields do not live on the box.
    """
    dimensions = len(box.num_points)
    if fields.shape[-dimensions:] != box.num_points:
        raise ValueError(f"The box has {box.num_points} points, got fields of shape {fields.shape}.")
    return truncated(jnp.fft.rfftn(fields, axes=tuple(range(-dimensions, 0))), box)


def to_fields(spectrum: Complex[Array, "..."], box: PeriodicBox) -> Float[Array, "..."]:
    """The field, or every channel of the fields, that a spectrum belongs to."""
    return jnp.fft.irfftn(spectrum, s=box.num_points, axes=tuple(range(-len(box.num_points), 0)))


def truncated(spectrum: Complex[Array, "..."], box: PeriodicBox) -> Complex[Array, "..."]:
    """A spectrum without the modes that products would alias, by the 2/3 rule.

        |m| < n / 3 along each axis

    The product of two fields then aliases onto removed modes only, and quadratic terms are those of a Galerkin method:
    they conserve what their continuous forms conserve.

    Source: Orszag, J. Atmos. Sci. 28, 1971, doi:10.1175/1520-0469(1971)028<1074:OTEOAI>2.0.CO;2.
    """
    kept = jnp.asarray(True)
    for modes, largest in zip(mode_numbers(box), largest_modes(box), strict=True):
        kept = kept & jnp.asarray(np.abs(modes) <= largest)
    return jnp.where(_on_channels(kept, spectrum), spectrum, 0.0)


def largest_modes(box: PeriodicBox) -> tuple[int, ...]:
    """The largest retained mode number along each axis."""
    return tuple((n - 1) // 3 for n in box.num_points)


def grid_of_modes(box: PeriodicBox) -> PeriodicBox:
    """The same box with just as many points as modes are retained: what a flow resolves."""
    return PeriodicBox(tuple(2 * largest + 1 for largest in largest_modes(box)), box.lengths)


def mode_numbers(box: PeriodicBox) -> tuple[np.ndarray, ...]:
    """Signed number of waves in the box along each axis, shaped to broadcast against a spectrum."""
    return tuple(
        np.rint(k * length / (2.0 * math.pi)) for k, length in zip(box.wavenumbers(), box.lengths, strict=True)
    )


def derivative(spectrum: Complex[Array, "*modes"], axis: int, box: PeriodicBox) -> Complex[Array, "*modes"]:
    """`i k_axis` times a spectrum."""
    k = jnp.asarray(box.wavenumbers()[axis], spectrum.real.dtype)
    return 1j * spectral.scaled(spectrum, _on_channels(k, spectrum))


def gradient(velocity: Complex[Array, "axis *modes"], box: PeriodicBox) -> Complex[Array, "axis axis *modes"]:
    """`du_i/dx_j`, the index `j` second."""
    return jnp.stack([derivative(velocity, axis, box) for axis in range(len(velocity))], axis=1)


def divergence(velocity: Complex[Array, "axis *modes"], box: PeriodicBox) -> Complex[Array, "*modes"]:
    """`du_i/dx_i`."""
    return sum(derivative(component, axis, box) for axis, component in enumerate(velocity))


def curl(velocity: Complex[Array, "axis *modes"], box: PeriodicBox) -> Complex[Array, "component *modes"]:
    """The vorticity of a velocity: three components in three dimensions, the one out of the plane in two."""
    planes = ((0, 1),) if len(velocity) == 2 else ((1, 2), (2, 0), (0, 1))
    return jnp.stack([derivative(velocity[j], i, box) - derivative(velocity[i], j, box) for i, j in planes])


def squared_wavenumber(box: PeriodicBox, dtype: DTypeLike = float) -> Float[Array, "*modes"]:
    """`|k|^2`."""
    return sum(jnp.asarray(k, dtype) ** 2 for k in box.wavenumbers())


def inverse_laplacian(spectrum: Complex[Array, "*modes"], box: PeriodicBox) -> Complex[Array, "*modes"]:
    """`-1/|k|^2` times a spectrum; the mean becomes zero."""
    square = squared_wavenumber(box, spectrum.real.dtype)
    positive = square > 0
    return spectral.scaled(spectrum, jnp.where(positive, -1.0 / jnp.where(positive, square, 1.0), 0.0))


def leray_projection(velocity: Complex[Array, "axis *modes"], box: PeriodicBox) -> Complex[Array, "axis *modes"]:
    """The divergence-free part of a vector field, `u - grad laplacian^-1 div u`; a mean flow is kept."""
    potential = inverse_laplacian(divergence(velocity, box), box)
    return velocity - jnp.stack([derivative(potential, axis, box) for axis in range(len(velocity))])


def plane_velocity(vorticity: Complex[Array, "x y"], box: PeriodicBox) -> Complex[Array, "2 x y"]:
    """The velocity without mean of a given vorticity: `u = (dpsi/dy, -dpsi/dx)`, `laplacian psi = -omega`."""
    stream_function = -inverse_laplacian(vorticity, box)
    return jnp.stack([derivative(stream_function, 1, box), -derivative(stream_function, 0, box)])


def viscous_decay(
    spectrum: Complex[Array, "*modes"], viscosity: Float[Array, ""], time: Float[Array, ""], box: PeriodicBox
) -> Complex[Array, "*modes"]:
    """What viscosity leaves of a spectrum after some time.

        exp(-nu |k|^2 t)

    This is a product of one exponential an axis: three short vectors instead of an exponential a mode.
    """
    dtype = spectrum.real.dtype
    exponent = -viscosity.astype(dtype) * time.astype(dtype)
    factor = math.prod(jnp.exp(exponent * jnp.asarray(k, dtype) ** 2) for k in box.wavenumbers())
    return spectral.scaled(spectrum, _on_channels(factor, spectrum))


def inner_product(
    a: Complex[Array, "channel *modes"], b: Complex[Array, "channel *modes"], box: PeriodicBox
) -> Float[Array, ""]:
    """The volume mean of `a_i b_i`, from the spectra by Parseval's theorem."""
    lines = jnp.sum(a.real * b.real + a.imag * b.imag, axis=tuple(range(a.ndim - 1)))
    # A mode of the half spectrum also stands for its conjugate, unless it is its own.
    return (2.0 * jnp.sum(lines) - lines[0]) / math.prod(box.num_points) ** 2


def fastest_turn(velocity: Float[Array, "axis *space"], box: PeriodicBox) -> Float[Array, ""]:
    """The largest rate at which a velocity turns the phase of a retained wave, `max(|u_i| k_i)`."""
    return jnp.max(sum(jnp.abs(u) * k for u, k in zip(velocity, largest_wavenumbers(box), strict=True)))


def largest_wavenumbers(box: PeriodicBox) -> tuple[float, ...]:
    """The largest retained wavenumber along each axis."""
    return tuple(2.0 * math.pi * m / length for m, length in zip(largest_modes(box), box.lengths, strict=True))


def _on_channels(factor: Float[Array, "*modes"] | Bool[Array, "*modes"], spectrum: Complex[Array, "..."]) -> Array:
    """A factor for each mode, with axes of length one for the channels before them."""
    return factor[(None,) * (spectrum.ndim - factor.ndim)]
