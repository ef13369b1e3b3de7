"""The closed formulas against published benchmark geometries and against each other."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from fieldcast.simulators.acoustics.oneil import (
    bowl_in_focal_plane,
    bowl_on_axis,
    piston_last_maximum,
    piston_on_axis,
)

WAVENUMBER = 2 * math.pi * 500e3 / 1500.0
BOWL = {"radius_of_curvature": 64e-3, "aperture_diameter": 64e-3, "wavenumber": WAVENUMBER}
SURFACE_PRESSURE = 60e3  # 0.04 m/s in water, as in the intercomparison of Aubry et al., doi:10.1121/10.0013426


def last_maximum(pressure, low, high):
    found = minimize_scalar(
        lambda z: -float(pressure(z)), bounds=(low, high), method="bounded", options={"xatol": 1e-9}
    )
    return found.x, -found.fun


def test_benchmark_bowl_on_axis():
    def amplitude(z):
        return SURFACE_PRESSURE * np.abs(bowl_on_axis(z, **BOWL))

    assert amplitude(64e-3) == pytest.approx(1077.488e3, rel=1e-6)
    position, peak = last_maximum(amplitude, 50e-3, 80e-3)
    assert peak == pytest.approx(1094.411e3, rel=1e-6)
    assert position == pytest.approx(61.93e-3, abs=0.01e-3)
    z = np.linspace(40e-3, 90e-3, 500_001)
    above = z[amplitude(z) >= 0.5 * peak]
    assert (above[0], above[-1]) == pytest.approx((51.76e-3, 78.02e-3), abs=0.01e-3)


def test_lossy_benchmark_bowl():
    # The intercomparison's lossy medium: 1 dB/cm at 500 kHz.
    loss = 100.0 * math.log(10.0) / 20.0

    def amplitude(z):
        return SURFACE_PRESSURE * np.abs(bowl_on_axis(z, **{**BOWL, "wavenumber": WAVENUMBER - 1j * loss}))

    position, peak = last_maximum(amplitude, 50e-3, 80e-3)
    assert peak == pytest.approx(539.31e3, rel=2e-5)
    assert position == pytest.approx(60.66e-3, abs=0.01e-3)


def test_benchmark_piston():
    def amplitude(z, loss=0.0):
        return SURFACE_PRESSURE * np.abs(piston_on_axis(z, radius=10e-3, wavenumber=WAVENUMBER - 1j * loss))

    position, peak = last_maximum(amplitude, 20e-3, 50e-3)
    assert peak == pytest.approx(120.000e3, rel=1e-6)
    assert position == pytest.approx(32.58e-3, abs=0.01e-3)
    assert piston_last_maximum(radius=10e-3, wavelength=3e-3) == pytest.approx(position, abs=1e-6)
    assert amplitude(60e-3) == pytest.approx(91.463e3, rel=1e-5)
    assert amplitude(100e-3) == pytest.approx(59.865e3, rel=1e-5)
    lossy_position, lossy_peak = last_maximum(lambda z: amplitude(z, 100.0 * math.log(10.0) / 20.0), 20e-3, 50e-3)
    assert lossy_peak == pytest.approx(83.68e3, rel=1e-4)
    assert lossy_position == pytest.approx(28.87e-3, abs=0.01e-3)


def test_the_focus_is_the_limit_from_both_sides():
    focus = bowl_on_axis(64e-3, **BOWL)
    around = bowl_on_axis(np.asarray([64e-3 - 1e-7, 64e-3 + 1e-7]), **BOWL)
    assert abs(around.mean() - focus) < 1e-6 * abs(focus)
    assert abs(focus) == pytest.approx(17.958127, rel=1e-6)


def test_on_axis_equals_the_integral_over_the_bowl():
    # On the axis the integral over the cap is one over the polar angle, here summed by brute force.
    radius, half_angle = 64e-3, math.asin(0.5)
    angle = (np.arange(200_000) + 0.5) / 200_000 * half_angle
    for z in (-10e-3, 5e-3, 40e-3, 64e-3, 90e-3):
        distance = np.hypot(radius * np.cos(angle) - (radius - z), radius * np.sin(angle))
        rings = 2 * math.pi * radius**2 * np.sin(angle) * half_angle / angle.size
        direct = 1j * WAVENUMBER / (2 * math.pi) * np.sum(np.exp(-1j * WAVENUMBER * distance) / distance * rings)
        assert abs(bowl_on_axis(z, **BOWL) - direct) < 1e-7


def test_focal_plane_meets_the_axis_and_has_the_benchmark_width():
    assert bowl_in_focal_plane(0.0, **BOWL) == pytest.approx(abs(bowl_on_axis(64e-3, **BOWL)), rel=1e-12)
    y = np.linspace(0, 5e-3, 500_001)
    profile = bowl_in_focal_plane(y, **BOWL)
    half_width = y[np.argmax(profile < 0.5 * profile[0])]
    assert 2 * half_width == pytest.approx(4.232e-3, abs=0.002e-3)
