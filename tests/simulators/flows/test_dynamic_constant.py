"""The dynamic closure finds Lilly's constant in turbulence that it closes itself, and nothing in noise.

The solver is a small one of its own, in numpy: a Galerkin method without viscosity, so that all that dissipates is the
closure.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.closure import Resolution
from fieldcast.simulators.flows.dynamic_smagorinsky import DynamicSmagorinsky
from fieldcast.simulators.flows.periodic_box import PeriodicBox

POINTS, RESOLVED = 24, 16
"""Points of the fields, and of the grid whose modes they hold: products are free of aliases."""

MODES = np.stack(np.meshgrid(*2 * [np.fft.fftfreq(POINTS, 1 / POINTS)], np.arange(POINTS // 2 + 1.0), indexing="ij"))
KEPT = np.abs(MODES).max(0) < RESOLVED / 2
SQUARE = np.maximum((MODES**2).sum(0), 1.0)


def projected(spectrum):
    return KEPT * (spectrum - MODES * (MODES * spectrum).sum(0) / SQUARE)


def noise(seed):
    """Random phases under the spectrum of von Karman, with a velocity of one."""
    white = np.fft.rfftn(np.random.default_rng(seed).normal(size=(3, POINTS, POINTS, POINTS)), axes=(1, 2, 3))
    spectrum = projected(white) * SQUARE**0.5 * (1 + SQUARE / 4) ** (-17 / 12)
    spectrum[:, 0, 0, 0] = 0
    return spectrum / np.sqrt(np.mean(np.fft.irfftn(spectrum, axes=(1, 2, 3)) ** 2))


@jax.jit
def closed(velocity, gradient, resolution):
    coefficient = DynamicSmagorinsky().coefficient(velocity, gradient, resolution)
    return DynamicSmagorinsky().eddy_viscosity(velocity, gradient, resolution), coefficient[0, 0, 0]


def tendency(spectrum, resolution):
    velocity = np.fft.irfftn(spectrum, axes=(1, 2, 3))
    gradient = np.fft.irfftn(1j * MODES * spectrum[:, None], axes=(2, 3, 4))
    fields = jnp.asarray(velocity, dtype=float), jnp.asarray(gradient, dtype=float)
    viscosity, coefficient = closed(*fields, resolution)
    stress = np.asarray(viscosity) * (gradient + gradient.swapaxes(0, 1)) - velocity[:, None] * velocity
    return projected((1j * MODES * np.fft.rfftn(stress, axes=(2, 3, 4))).sum(1)), float(coefficient)


def constants_in_decay(seed, resolved):
    """The square root of C step by step, in Heun's steps that take half of the energy."""
    resolution = Resolution(PeriodicBox((resolved,) * 3, (2 * np.pi,) * 3))
    state, dt, history = noise(seed), 0.03, []
    for _ in range(24):
        slope, coefficient = tendency(state, resolution)
        history.append(coefficient)
        state = state + 0.5 * dt * (slope + tendency(state + dt * slope, resolution)[0])
    return np.sqrt(history)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_decaying_turbulence_has_the_constant_of_lilly(seed):
    constants = constants_in_decay(seed, RESOLVED)
    assert constants[0] < 0.05  # noise hands no energy to smaller scales, so there is none to take away
    np.testing.assert_allclose(constants[-8:], 0.16, atol=0.01)


def test_the_grid_of_the_points_is_too_fine_a_resolution():
    assert np.all(constants_in_decay(0, POINTS)[-8:] < 0.12)
