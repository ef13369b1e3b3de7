"""Plane waves through layers: published numbers, limits, conservation, and the time-domain scheme against them."""

import math

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics.continuous_wave import Timing, steady_state
from fieldcast.simulators.acoustics.kspace_absorption import Lossless
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import GridPoints, PressureSource
from fieldcast.simulators.acoustics.layers import Layer, plane_wave, wavenumber
from fieldcast.simulators.acoustics.medium import WATER, Medium, Tissue
from fieldcast.simulators.acoustics.time_step_error import compensate
from fieldcast.simulators.grid import Grid

FREQUENCY = 500e3
BONE = Tissue(2800.0, 1850.0)
LOSSY_BONE = Tissue(2800.0, 1850.0, 16.0, 2.0)
LOSSY_TRABECULAR = Tissue(2300.0, 1700.0, 32.0, 2.0)
SKIN = Tissue(1610.0, 1090.0, 0.8, 2.0)
BRAIN = Tissue(1560.0, 1040.0, 1.2, 2.0)
STACK = [Layer(SKIN, 4e-3), Layer(LOSSY_BONE, 1.5e-3), Layer(LOSSY_TRABECULAR, 4e-3), Layer(LOSSY_BONE, 1e-3)]


@pytest.mark.parametrize(
    ("layers", "behind", "transmission", "reflection"),
    [
        ([Layer(LOSSY_BONE, 6.5e-3)], WATER, 0.48043, 0.68322),
        ([Layer(BONE, 6.5e-3)], WATER, 0.59825, 0.80131),
        (STACK, BRAIN, 0.40502, 0.61093),
    ],
    ids=["slab", "lossless slab", "layered skull"],
)
def test_known_coefficients(layers, behind, transmission, reflection):
    wave = plane_wave(layers, frequency=FREQUENCY, behind=behind)
    assert abs(wave.transmission) == pytest.approx(transmission, abs=1e-5)
    assert abs(wave.reflection) == pytest.approx(reflection, abs=1e-5)


@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_lossless_layers_conserve_power(angle):
    """`|R|^2 + |T|^2 (cos(t) / Z_behind) / (cos(i) / Z_before) = 1`, with Snell's law for the angle t."""
    behind = Tissue(1700.0, 1200.0)
    layers = [Layer(BONE, 2.1e-3), Layer(Tissue(1610.0, 1090.0), 1.7e-3)]
    along = wavenumber(WATER, FREQUENCY).real * math.sin(angle)
    wave = plane_wave(layers, frequency=FREQUENCY, behind=behind, along=along)
    refracted = math.asin(1700.0 / 1500.0 * math.sin(angle))
    flux = (math.cos(refracted) / (1700.0 * 1200.0)) / (math.cos(angle) / 1.5e6)
    assert abs(wave.reflection) ** 2 + abs(wave.transmission) ** 2 * flux == pytest.approx(1.0, abs=1e-12)


def test_half_wave_layer_is_invisible_and_quarter_wave_layer_matches():
    half = plane_wave([Layer(BONE, 2.8e-3)], frequency=FREQUENCY)
    assert abs(half.reflection) < 1e-12
    assert half.transmission == pytest.approx(-1.0)
    matching = Tissue(2000.0, math.sqrt(1.5e6 * 1850.0 * 2800.0) / 2000.0)
    quarter = plane_wave([Layer(matching, 1e-3)], frequency=FREQUENCY, behind=BONE)
    assert abs(quarter.reflection) < 1e-12


def test_single_interface_is_fresnels():
    bone, water = 1850.0 * 2800.0, 1.5e6
    wave = plane_wave([], frequency=FREQUENCY, behind=BONE)
    assert wave.reflection == pytest.approx((bone - water) / (bone + water))
    assert wave.transmission == pytest.approx(2 * bone / (bone + water))
    beyond_the_critical_angle = plane_wave(
        [], frequency=FREQUENCY, behind=BONE, along=wavenumber(WATER, FREQUENCY).real * math.sin(0.7)
    )
    assert abs(beyond_the_critical_angle.reflection) == pytest.approx(1.0)


def test_thick_lossy_layer_is_a_half_space():
    thick = plane_wave([Layer(LOSSY_BONE, 0.2)], frequency=FREQUENCY)
    assert thick.reflection == pytest.approx(plane_wave([], frequency=FREQUENCY, behind=LOSSY_BONE).reflection)
    assert abs(thick.transmission) < 1e-3


@pytest.mark.parametrize("along", [0.0, 600.0, 2500.0])
def test_field_satisfies_the_wave_equation(along):
    """Pressure and `(1 / rho) dp/dx` go on across every face, and `p'' = -k_n^2 p` in between."""
    wave = plane_wave(STACK, frequency=FREQUENCY, behind=BRAIN, along=along)
    densities = [tissue.density for tissue in (WATER, *(layer.tissue for layer in STACK), BRAIN)]
    tiny, step = 1e-9, 1e-6
    for face, before, behind in zip(wave.faces, densities[:-1], densities[1:], strict=True):
        left, right = wave.pressure(face - tiny), wave.pressure(face + tiny)
        slope_left = (left - wave.pressure(face - tiny - step)) / step / before
        slope_right = (wave.pressure(face + tiny + step) - right) / step / behind
        assert left == pytest.approx(right, abs=1e-4)
        assert slope_left == pytest.approx(slope_right, abs=2e-2)
    middle = 0.5 * (wave.faces[2] + wave.faces[3])
    curvature = sum(n * wave.pressure(middle + step * d) for d, n in ((-1, 1), (0, -2), (1, 1))) / step**2
    square = wavenumber(LOSSY_TRABECULAR, FREQUENCY) ** 2 - along**2
    assert curvature == pytest.approx(-square * wave.pressure(middle), rel=1e-3)
    assert wave.pressure(0.0) == pytest.approx(1.0 + wave.reflection)
    assert wave.pressure(wave.faces[-1]) == pytest.approx(wave.transmission)


def test_negative_thickness_is_refused():
    with pytest.raises(ValueError, match="thickness of at least 0"):
        plane_wave([Layer(BONE, -1e-3)], frequency=FREQUENCY)


@eqx.filter_jit
def _steady(medium, timing, source):
    scheme = KSpaceScheme(
        medium,
        timing.time_step,
        [source],
        absorption=Lossless(),
        layer=PerfectlyMatchedLayer(30),
        reference_sound_speed=BONE.sound_speed,
    )
    pressure, _ = steady_state(scheme, timing, progress=diffrax.NoProgressMeter())
    return pressure[scheme.interior]


def _slab_in_one_dimension(cells):
    """Complex T and R of a 6.5 mm slab of so many cells, whose faces lie midway between grid points."""
    thickness, front, length = 6.5e-3, 20e-3, 40e-3
    spacing = thickness / cells
    x = front + spacing * (np.arange(-round(front / spacing), round((length - front) / spacing)) + 0.5)
    grid = Grid(x.shape, spacing, (x[0],))
    slab = (x > front) & (x < front + thickness)
    steps = max(24, math.ceil(4 * 2800.0 / (FREQUENCY * spacing)))
    timing = Timing(
        frequency=FREQUENCY, steps_per_period=steps, ramp_periods=3, settle_periods=36, most_periods=37, tolerance=0.0
    )
    index = int(np.searchsorted(x, 8e-3))
    source = PressureSource(GridPoints([[index]], grid.shape), timing.signals(jnp.zeros(1)))
    fields = []
    for bone in (slab, np.zeros_like(slab)):
        speed, density, _ = compensate(
            jnp.asarray(np.where(bone, 2800.0, 1500.0)),
            jnp.asarray(np.where(bone, 1850.0, 1000.0)),
            jnp.zeros(len(x)),
            2.0,
            frequency=FREQUENCY,
            time_step=1.0 / (FREQUENCY * steps),
            reference_sound_speed=2800.0,
        )
        medium = Medium(speed, density, jnp.zeros(len(x)), 2.0, grid)
        fields.append(np.asarray(_steady(medium, timing, source)))
    with_slab, incident = fields
    wavenumber_in_water = 2 * math.pi * FREQUENCY / 1500.0
    behind, before = int(np.searchsorted(x, 32e-3)), int(np.searchsorted(x, 14e-3))
    transmission = with_slab[behind] / incident[behind] * np.exp(-1j * wavenumber_in_water * thickness)
    echo = (with_slab[before] - incident[before]) / incident[before]
    return transmission, echo * np.exp(2j * wavenumber_in_water * (front - x[before]))


@pytest.mark.usefixtures("x64")
def test_time_domain_scheme_converges_to_the_layers():
    """Reflection and transmission of a lossless slab, in phase and amplitude, at second order."""
    exact = plane_wave([Layer(BONE, 6.5e-3)], frequency=FREQUENCY)
    cells = (13, 26)
    errors = []
    for number in cells:
        transmission, reflection = _slab_in_one_dimension(number)
        errors.append(max(abs(transmission - exact.transmission), abs(reflection - exact.reflection)))
    assert errors[0] < 0.02
    assert math.log2(errors[0] / errors[1]) > 1.9, errors
