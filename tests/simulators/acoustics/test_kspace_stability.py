"""The stability limit equals k-Wave's, and unstable or broken problems are refused by name."""

from types import SimpleNamespace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics import kspace_scheme
from fieldcast.simulators.acoustics.kspace_absorption import Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_run import simulate
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import GridPoints, PressureSource
from fieldcast.simulators.acoustics.kspace_stability import stability_limit
from fieldcast.simulators.acoustics.kwave_import import import_kwave
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.grid import Grid

pytestmark = pytest.mark.usefixtures("x64")

SPACING = 0.75e-3


def bone_slab(shape, power):
    bone = np.zeros(shape, dtype=bool)
    bone[shape[0] // 2 :] = True
    return Medium(
        sound_speed=jnp.asarray(np.where(bone, 2800.0, 1500.0)),
        density=jnp.asarray(np.where(bone, 1850.0, 1000.0)),
        attenuation=jnp.asarray(np.where(bone, 8.0, 0.0)),
        attenuation_power=power,
        grid=Grid(shape, SPACING),
    )


def kwave_limit(medium, dispersion, reference):
    import_kwave()
    from kwave.utils.checks import check_stability

    largest = spectral.largest_wavenumber(medium.grid.shape, SPACING)
    kwave_medium = SimpleNamespace(
        sound_speed=np.asarray(medium.sound_speed),
        sound_speed_ref=reference,
        alpha_coeff=np.asarray(medium.attenuation),
        alpha_power=medium.attenuation_power,
        alpha_mode=None if dispersion else "no_dispersion",
    )
    return float(check_stability(SimpleNamespace(k=np.asarray([largest])), kwave_medium))


@pytest.mark.parametrize("reference", [None, 1500.0])
@pytest.mark.parametrize("dispersion", [True, False])
@pytest.mark.parametrize(("shape", "power"), [((20, 20), 1.05), ((21, 20), 1.1), ((9, 8, 10), 1.43), ((20,), 2.0)])
def test_equals_kwave(shape, power, dispersion, reference):
    medium = bone_slab(shape, power)
    limit = float(stability_limit(medium, PowerLaw(dispersion), reference))
    assert limit == pytest.approx(kwave_limit(medium, dispersion, reference), rel=1e-9)


@pytest.mark.parametrize(
    ("power", "dispersion", "microseconds"),
    [(1.05, True, 0.089), (1.1, True, 0.107), (1.1, False, 0.159), (1.43, True, 0.132), (2.0, True, 0.140)],
)
def test_known_limits_of_bone(power, dispersion, microseconds):
    limit = float(stability_limit(bone_slab((64, 64), power), PowerLaw(dispersion)))
    assert 1e6 * limit == pytest.approx(microseconds, abs=1e-3)


def test_without_losses_the_limit_is_a_right_angle_below_the_reference_speed():
    medium = bone_slab((16, 16), 1.1)
    largest = spectral.largest_wavenumber((16, 16), SPACING)
    for reference in (2800.0, 3000.0):
        limit = float(stability_limit(medium, Lossless(), reference))
        assert limit == pytest.approx(np.pi / (reference * largest), rel=1e-9)
    expected = 2.0 / (1500.0 * largest) * np.arcsin(1500.0 / 2800.0)
    assert float(stability_limit(medium, Lossless(), 1500.0)) == pytest.approx(expected, rel=1e-9)


def run(medium, time_step, dispersion, num_steps=300):
    scheme = KSpaceScheme(
        medium, time_step, absorption=PowerLaw(dispersion), layer=PerfectlyMatchedLayer(0, outside=False)
    )
    noise = jnp.asarray(np.random.default_rng(0).standard_normal(medium.grid.shape))
    return simulate(scheme, scheme.released(noise), num_steps, lambda state: None)[0].pressure


@pytest.mark.parametrize("dispersion", [True, False])
def test_the_limit_separates_growing_from_bounded_runs(dispersion, monkeypatch):
    monkeypatch.setattr(kspace_scheme, "refuse_unstable", lambda medium, *_: medium)
    shape = (24, 24)
    even = {"sound_speed": 2800.0, "density": 1850.0, "attenuation": 8.0}
    medium = Medium(
        **{name: jnp.full(shape, value) for name, value in even.items()},
        attenuation_power=1.1,
        grid=Grid(shape, SPACING),
    )
    limit = float(stability_limit(medium, PowerLaw(dispersion)))
    assert jnp.max(jnp.abs(run(medium, 0.99 * limit, dispersion))) < 10.0
    assert jnp.max(jnp.abs(run(medium, 1.02 * limit, dispersion))) > 1e6


def test_unstable_steps_are_refused():
    medium = bone_slab((16, 16), 1.1)
    limit = float(stability_limit(medium, PowerLaw()))
    run(medium, 0.999 * limit, False, 1)
    with pytest.raises(ValueError, match=r"not below the stability limit of 1\.585e-07 s"):
        run(medium, 1.001 * limit, False, 1)
    with pytest.raises(Exception, match="not below the stability limit"):
        eqx.filter_jit(run)(medium, 1.001 * limit, False, 1)


@pytest.mark.parametrize("name", ["sound_speed", "density", "attenuation"])
@pytest.mark.parametrize("traced", [False, True])
def test_media_that_are_not_finite_are_refused(name, traced):
    medium = bone_slab((16, 16), 1.1)
    medium = eqx.tree_at(lambda m: getattr(m, name), medium, getattr(medium, name).at[3, 4].set(jnp.nan))
    with pytest.raises(Exception if traced else ValueError, match=rf"medium\.{name} has non-finite values"):
        (eqx.filter_jit(run) if traced else run)(medium, 1e-8, False, 1)


def test_media_that_are_not_positive_are_refused():
    medium = bone_slab((16, 16), 1.1)
    with pytest.raises(ValueError, match="must be positive"):
        run(eqx.tree_at(lambda m: m.density, medium, medium.density.at[0, 0].set(0.0)), 1e-8, False, 1)


def test_a_run_that_blows_up_is_no_result(monkeypatch):
    monkeypatch.setattr(kspace_scheme, "refuse_unstable", lambda medium, *_: medium)
    with pytest.raises(Exception, match="The simulation blew up"):
        run(bone_slab((16, 16), 1.1), 4e-7, True, 2000)


def test_dispersion_at_power_one_is_refused():
    with pytest.raises(ValueError, match="no power law at y = 1"):
        run(bone_slab((16, 16), 1.0), 1e-8, True, 1)


def test_sources_off_the_grid_are_refused():
    with pytest.raises(ValueError, match="lies outside of the grid"):
        GridPoints([[3, 16]], (16, 16))
    with pytest.raises(ValueError, match="lies outside of the grid"):
        GridPoints([[-1, 2]], (16, 16))
    with pytest.raises(ValueError, match="does not fit"):
        KSpaceScheme(bone_slab((16, 16), 1.1), 1e-8, [PressureSource(GridPoints([[3, 16]], (20, 20)), jnp.ones(5))])


def test_layers_that_fill_the_grid_are_refused():
    with pytest.raises(ValueError, match="leaves nothing of axis 0"):
        KSpaceScheme(bone_slab((16, 16), 1.1), 1e-8, layer=PerfectlyMatchedLayer(8, outside=False))
