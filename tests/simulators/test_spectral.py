"""Fourier symbols against functions whose derivatives are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators import spectral

pytestmark = pytest.mark.usefixtures("x64")

SPACING = 0.3


def modes(shape, wave):
    """A plane wave that is periodic on the grid, its phase, and its wave vector [rad/m]."""
    vector = [2 * np.pi * n / (size * SPACING) for n, size in zip(wave, shape, strict=True)]
    coordinates = np.meshgrid(*(SPACING * np.arange(n) for n in shape), indexing="ij")
    return sum(k * x for k, x in zip(vector, coordinates, strict=True)), vector


@pytest.mark.parametrize(("shape", "wave"), [((16,), (3,)), ((15, 12), (2, -4)), ((9, 10, 12), (3, -2, 5))])
@pytest.mark.parametrize("shift", [0.5, -0.5])
def test_staggered_derivative_of_a_plane_wave(shape, wave, shift):
    phase, vector = modes(shape, wave)
    wavenumbers = spectral.wavenumbers(shape, SPACING)
    for symbol, k in zip(spectral.staggered_derivatives(wavenumbers, SPACING, shift), vector, strict=True):
        derivative = spectral.inverse_real_fft(jnp.asarray(symbol) * spectral.real_fft(jnp.sin(phase)), shape)
        np.testing.assert_allclose(derivative, k * np.cos(phase + k * shift * SPACING), atol=1e-12)


@pytest.mark.parametrize("shape", [(8,), (8, 6), (7, 6, 10)])
@pytest.mark.parametrize("shift", [0.5, -0.5])
def test_half_and_full_spectrum_agree_up_to_the_highest_wavenumber(shape, shift):
    field = np.random.default_rng(0).standard_normal(shape)  # has every wavenumber that the grid holds
    half = spectral.staggered_derivatives(spectral.wavenumbers(shape, SPACING), SPACING, shift)
    full = spectral.staggered_derivatives(spectral.wavenumbers(shape, SPACING, half=False), SPACING, shift)
    for half_symbol, full_symbol in zip(half, full, strict=True):
        by_half = spectral.inverse_real_fft(jnp.asarray(half_symbol) * spectral.real_fft(jnp.asarray(field)), shape)
        by_full = np.fft.ifftn(full_symbol * np.fft.fftn(field))
        np.testing.assert_allclose(by_full.imag, 0.0, atol=1e-12)
        np.testing.assert_allclose(by_half, by_full.real, atol=1e-12)


def test_staggering_there_and_back_is_the_laplacian():
    shape = (12, 10)
    wavenumbers = spectral.wavenumbers(shape, SPACING)
    there = spectral.staggered_derivatives(wavenumbers, SPACING, 0.5)
    back = spectral.staggered_derivatives(wavenumbers, SPACING, -0.5)
    laplacian = sum(a * b for a, b in zip(there, back, strict=True))
    np.testing.assert_allclose(laplacian, -(spectral.magnitude(wavenumbers) ** 2), atol=1e-11)


@pytest.mark.parametrize("exponent", [-0.9, 0.5, 2.0])
def test_fractional_laplacian_of_a_plane_wave(exponent):
    shape = (12, 10)
    phase, vector = modes(shape, (3, 2))
    symbol = spectral.fractional_laplacian(spectral.magnitude(spectral.wavenumbers(shape, SPACING)), exponent)
    spectrum = spectral.scaled(spectral.real_fft(jnp.cos(phase)), symbol)
    answer = spectral.inverse_real_fft(spectrum, shape)
    np.testing.assert_allclose(answer, np.linalg.norm(vector) ** exponent * np.cos(phase), atol=1e-11)
    assert symbol[0, 0] == 0.0


@pytest.mark.parametrize("shape", [(8,), (9, 12), (9, 10, 7)])
def test_largest_wavenumber(shape):
    magnitude = spectral.magnitude(spectral.wavenumbers(shape, SPACING, half=False))
    assert spectral.largest_wavenumber(shape, SPACING) == pytest.approx(float(magnitude.max()), rel=1e-14)
