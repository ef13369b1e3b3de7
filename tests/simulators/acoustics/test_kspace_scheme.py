"""The time-domain scheme against exact solutions."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.kspace_absorption import Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_run import simulate
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import Additive, GridPoints, PressureSource
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.grid import Grid

pytestmark = pytest.mark.usefixtures("x64")

SPEED, DENSITY = 1500.0, 1000.0


def homogeneous(shape, spacing, *, attenuation=0.0, power=1.5, nonlinearity=None):
    grid = Grid(shape, spacing)
    return Medium(
        jnp.full(shape, SPEED),
        jnp.full(shape, DENSITY),
        jnp.full(shape, attenuation),
        power,
        grid,
        None if nonlinearity is None else jnp.full(shape, nonlinearity),
    )


@pytest.mark.parametrize("shape", [(64,), (32, 30), (16, 15, 18)])
def test_an_initial_pressure_spreads_exactly(shape):
    """In a homogeneous medium the scheme is exact at any stable time step: p(k, t) = p0(k) cos(c |k| t)."""
    spacing, time_step, num_steps = 1e-3, 3.8e-7, 20
    medium = homogeneous(shape, spacing)
    pressure = jnp.asarray(np.random.default_rng(0).standard_normal(shape))
    scheme = KSpaceScheme(medium, time_step, absorption=Lossless(), layer=PerfectlyMatchedLayer(0, outside=False))
    _, series = simulate(scheme, scheme.released(pressure), num_steps)
    wavenumber = spectral.magnitude(spectral.wavenumbers(shape, spacing))
    for step in (1, 7, num_steps):
        spectrum = np.fft.rfftn(pressure) * np.cos(SPEED * wavenumber * step * time_step)
        exact = np.fft.irfftn(spectrum, s=shape, axes=range(len(shape)))
        np.testing.assert_allclose(series[step - 1], exact, atol=1e-11)


def amplitude(series, angle):
    """Complex amplitude P of `Im(P exp(i angle (n + 1/2)))`."""
    turning = np.exp(-1j * angle * (np.arange(len(series)) + 0.5))
    return 2j * np.tensordot(turning, np.asarray(series), 1) / len(series)


def plane_wave(medium, steps_per_period, periods, frequency, absorption, mode=None):
    """Steady amplitude along a 1-D grid that is driven at one point near its low end."""
    time_step = 1.0 / (frequency * steps_per_period)
    signal = np.sin(2 * np.pi * np.arange(periods * steps_per_period) / steps_per_period)
    source = PressureSource(GridPoints(np.asarray([[20]]), medium.grid.shape), signal, mode)
    scheme = KSpaceScheme(medium, time_step, [source], absorption=absorption, layer=PerfectlyMatchedLayer(30))
    state, _ = simulate(scheme, scheme.rest(), (periods - 1) * steps_per_period, lambda state: None)
    _, series = simulate(scheme, state, steps_per_period)
    return amplitude(series, 2 * np.pi / steps_per_period)


def test_source_amplitude_and_phase():
    """A plane source of 1 Pa radiates a wave of 1 Pa whose phase is zero at the source, half a step later."""
    frequency, spacing = 100e3, 1e-3
    medium = homogeneous((200,), spacing)
    field = plane_wave(medium, 24, 30, frequency, Lossless())
    distance = spacing * np.abs(np.arange(200) - 20)
    exact = np.exp(-2j * np.pi * frequency / SPEED * distance)
    np.testing.assert_allclose(field[25:], exact[25:], atol=1e-3)
    uncorrected = plane_wave(medium, 24, 30, frequency, Lossless(), Additive(corrected=False))
    assert np.mean(np.abs(uncorrected[25:])) == pytest.approx(1.0 / np.cos(np.pi / 24), rel=1e-3)


@pytest.mark.parametrize(("power", "dispersion"), [(1.1, False), (1.5, True), (2.0, False)])
def test_attenuation_and_dispersion_of_a_plane_wave(power, dispersion):
    """Decay by the power law; with dispersion the speed of Kramers and Kronig, both for weak losses."""
    frequency, spacing, coefficient = 1e6, 0.1e-3, 1.0
    medium = homogeneous((300,), spacing, attenuation=coefficient, power=power)
    field = plane_wave(medium, 60, 30, frequency, PowerLaw(dispersion))
    slope = np.polyfit(spacing * np.arange(100, 250), np.log(np.abs(field[100:250])), 1)[0]
    decibel_per_centimetre = -20.0 / np.log(10.0) * slope / 100.0
    assert decibel_per_centimetre == pytest.approx(coefficient, rel=0.01)
    nepers = coefficient * 100.0 * np.log(10.0) / 20.0  # at 1 MHz
    shift = nepers * np.tan(0.5 * np.pi * power) if dispersion else 0.0
    wavenumber = 2 * np.pi * frequency / SPEED + shift
    unwrapped = np.polyfit(spacing * np.arange(100, 250), np.unwrap(np.angle(field[100:250])), 1)[0]
    assert -unwrapped == pytest.approx(wavenumber, rel=2e-4)


def test_second_harmonic_of_a_nonlinear_wave():
    """Fubini: with beta = 1 + B/(2A), the second harmonic grows as `beta k p^2 x / (2 rho c^2)`."""
    frequency, spacing, pressure, parameter, steps = 500e3, 0.15e-3, 1e5, 5.0, 40
    medium = homogeneous((400,), spacing, nonlinearity=parameter)
    signal = pressure * np.sin(2 * np.pi * np.arange(60 * steps) / steps)
    scheme = KSpaceScheme(
        medium,
        1.0 / (frequency * steps),
        [PressureSource(GridPoints(np.asarray([[20]]), (400,)), signal)],
        absorption=Lossless(),
        layer=PerfectlyMatchedLayer(30),
    )
    state, _ = simulate(scheme, scheme.rest(), 59 * steps, lambda state: None)
    _, series = simulate(scheme, state, steps)
    second = np.abs(amplitude(series, 4 * np.pi / steps))
    distance = spacing * (np.arange(400) - 20)
    growth = (1 + parameter / 2) * (2 * np.pi * frequency / SPEED) * pressure**2 / (2 * DENSITY * SPEED**2)
    slope = np.polyfit(distance[60:380], second[60:380], 1)[0]
    assert slope == pytest.approx(growth, rel=0.02)


def test_reflection_at_a_wall():
    """A normally incident wave at a step of density alone: R = (Z2 - Z1) / (Z2 + Z1)."""
    spacing = 0.5e-3
    medium = homogeneous((512,), spacing)
    density = jnp.where(jnp.arange(512) < 300, DENSITY, 1850.0)
    medium = Medium(medium.sound_speed, density, medium.attenuation, 1.5, medium.grid)
    position = np.arange(512) - 220
    pressure = jnp.asarray(np.exp(-((position / 8.0) ** 2)))
    scheme = KSpaceScheme(medium, 1e-7, absorption=Lossless(), layer=PerfectlyMatchedLayer(20))
    steps = round(160 * spacing / SPEED / 1e-7)
    _, series = simulate(scheme, scheme.released(pressure), steps)
    reflected = float(jnp.max(series[-1][180:260]))  # half of the pulse went right, and back
    transmitted = float(jnp.max(series[-1][340:420]))
    coefficient = (1850.0 - DENSITY) / (1850.0 + DENSITY)
    assert reflected == pytest.approx(0.5 * coefficient, rel=0.02)
    assert transmitted == pytest.approx(0.5 * (1 + coefficient), rel=0.02)


def test_the_boundary_layer_absorbs():
    """What comes back from a layer of 10 points is below 0.1 %, inside and outside of the grid alike."""
    shape, spacing = (96,), 1e-3
    pressure = jnp.asarray(np.exp(-(((np.arange(96) - 48) / 3.0) ** 2)))
    for outside in (True, False):
        layer = PerfectlyMatchedLayer(10, outside=outside)
        scheme = KSpaceScheme(homogeneous(shape, spacing), 2e-7, absorption=Lossless(), layer=layer)
        _, series = simulate(scheme, scheme.released(pressure), 800)
        assert float(jnp.max(jnp.abs(series[400:, 12:-12]))) < 1e-3
