"""Mappings from CT numbers to acoustic maps, against values computed by hand."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.acoustics.head import AIR, Head
from fieldcast.simulators.acoustics.medium import BRAIN, Medium, Tissue
from fieldcast.simulators.acoustics.tissue import (
    MAPPINGS,
    AubryPorosity,
    KPlan,
    MarsacMueller,
    McDannold,
    UniformBone,
    mapping_from,
)
from fieldcast.simulators.grid import Grid


def line(*hounsfield: float) -> Head:
    """A head of one line of voxels."""
    return Head(jnp.asarray(hounsfield, dtype=float), Grid((len(hounsfield),), 1e-3))


HAND = [
    # mapping, HU, sound speed [m/s], density [kg/m^3], attenuation [dB/(MHz^y cm)]
    (MarsacMueller(), 1000.0, 2300.0, 1450.0, 4 + 4.7 * (1 - 700 / 1700) ** 0.5),
    (MarsacMueller(), 2000.0, 3100.0, 1900.0, 4.0),
    (MarsacMueller(root_inside=True), 1000.0, 2300.0, 1450.0, 4 + 4.7 * (1 - (700 / 1700) ** 0.5)),
    (AubryPorosity(), 500.0, 1900.0, 1300.0, 0.2 + 7.8 * 0.75**0.5),
    (AubryPorosity(), 2000.0, 3100.0, 2200.0, 0.2),
    (KPlan(), 530.0, 1.33 * 1295.0 + 167.0, 1295.0, 13.3),
    (KPlan(), 1475.0, 1.33 * 1840.0 + 167.0, 1840.0, 13.3),
    (McDannold(density_offset=0.0, density_slope=1.0), 2000.0, 2860.35, 2000.0, 166.0 * 0.0868588964 / 0.66),
    (McDannold(), 1000.0, 2896.41, 2026.04, 166.445 * 0.0868588964 / 0.66),
    (UniformBone(), 700.0, 2800.0, 1850.0, 13.3),
]


@pytest.mark.parametrize(("mapping", "hounsfield", "sound_speed", "density", "attenuation"), HAND)
def test_bone_by_hand(mapping, hounsfield, sound_speed, density, attenuation):
    medium = mapping(line(hounsfield, 0.0), 5e5)
    found = [float(x[0]) for x in (medium.sound_speed, medium.density, medium.attenuation)]
    # The root in the attenuation magnifies rounding near zero.
    np.testing.assert_allclose(found, [sound_speed, density, attenuation], rtol=5e-4)


def properties(medium: Medium) -> np.ndarray:
    return np.stack([medium.sound_speed, medium.density, medium.attenuation])


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_outside_of_the_valid_range(mapping):
    """Below it is water, above it counts as its upper end; in between the properties are those of bone."""
    mapping = mapping()
    lowest, highest = mapping.valid_range
    highest = min(highest, 3000.0)
    found = properties(mapping(line(AIR, lowest - 1.0, lowest, highest, 1.5 * highest), 5e5))
    np.testing.assert_array_equal(found[:, :2], [[1500.0] * 2, [1000.0] * 2, [0.0] * 2])
    np.testing.assert_array_equal(found[:, 3], found[:, 4])
    sound_speed, density, _ = properties(mapping(line(*np.linspace(lowest, highest, 50)), 5e5))
    assert np.all(np.diff(density) >= 0)
    assert np.all(np.diff(sound_speed) > -0.5)
    assert 1500.0 <= sound_speed.min() < sound_speed.max() < 4000.0 or isinstance(mapping, UniformBone)


def test_k_plan_is_never_slower_than_water():
    medium = KPlan(bone_threshold=-500.0)(line(-400.0, 0.0), 5e5)
    assert float(medium.density[0]) < 600.0
    assert float(medium.sound_speed[0]) == 1500.0


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_soft_tissue_fills_the_head(mapping):
    """A ball of 40 HU with a core of bone: brain in between, converted to the mapping's power at the frequency."""
    grid = Grid((24,) * 3, 2e-3)
    distance = np.linalg.norm(np.stack(np.meshgrid(*grid.axes(), indexing="ij")), axis=0)
    hounsfield = np.where(distance < 8e-3, 1200.0, np.where(distance < 20e-3, 40.0, AIR))
    mapping = mapping(soft_tissue=BRAIN)
    medium = mapping(Head(jnp.asarray(hounsfield), grid), 5e5)
    brain = (distance > 8e-3) & (distance < 18e-3)
    np.testing.assert_array_equal(np.asarray(medium.sound_speed)[brain], 1546.0)
    decibels = medium.nepers_per_metre(5e5) / (np.log(10.0) / 20.0) / 100.0
    np.testing.assert_allclose(np.asarray(decibels)[brain], 0.59 * 0.5**1.2, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(medium.sound_speed)[distance > 22e-3], 1500.0)
    assert float(medium.sound_speed[12, 12, 12]) > 1600.0


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_gradients_are_finite_where_roots_and_kinks_are(mapping):
    mapping = mapping()
    ends = [min(x, 3000.0) for x in mapping.valid_range]

    def total(hounsfield):
        medium = mapping(Head(hounsfield, Grid((4,), 1e-3)), 5e5)
        return jnp.sum(medium.attenuation) + jnp.sum(medium.sound_speed) + jnp.sum(medium.density)

    assert np.all(np.isfinite(jax.grad(total)(jnp.asarray([*ends, 1000.0, 40.0], dtype=float))))


@pytest.mark.parametrize(
    "mapping",
    [
        MarsacMueller(root_inside=True, soft_tissue=BRAIN),
        KPlan(calibration_hounsfield=(0.0, 2000.0), calibration_density=(1000.0, 2500.0)),
        McDannold(hounsfield_max=1500.0),
        AubryPorosity(attenuation_power=1.1),
        UniformBone(tissue=Tissue(3000.0, 2000.0, 5.0, 1.3)),
    ],
)
def test_settings_make_the_mapping_again(mapping):
    assert mapping_from(mapping.settings()) == mapping
    assert mapping_from(json.loads(json.dumps(mapping.settings()))) == mapping


def test_refusals():
    with pytest.raises(ValueError, match="no mapping named 'Pichardo'; this version knows"):
        mapping_from({"name": "Pichardo"})
    with pytest.raises(ValueError, match="calibration curve needs increasing points"):
        KPlan(calibration_hounsfield=(0.0, -100.0), calibration_density=(1000.0, 2000.0))
