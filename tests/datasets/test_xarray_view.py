"""Views by xarray: the numbers, names and units of the file, read when asked for."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from small_trajectories import HEADER, fields_of, write_trajectory

from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.xarray_view import open_xarray

SCENE = Path(__file__).parents[1] / "data" / "scene_format_1.h5"


def test_trajectory(tmp_path):
    found = open_xarray(write_trajectory(tmp_path / "trajectory.h5"))
    assert found.smoke.dims == ("time", "x", "y")
    assert found.velocity.dims == ("time", "x", "y", "component")
    np.testing.assert_array_equal(found.velocity.sel(component="y"), fields_of(0)[:, 2])
    np.testing.assert_array_equal(found.smoke[::-2, 1:3, [2, 0]], fields_of(0)[::-2, 1, 1:3][..., [2, 0]])
    np.testing.assert_array_equal(found.time, HEADER.times)
    assert (found.velocity.units, found.time.units, found.viscosity.units) == ("m/s", "s", "m^2/s")
    assert found.viscosity == 0.1
    assert found.attrs["scales"] == HEADER.scales


def test_scene():
    found = open_xarray(SCENE)
    with h5py.File(SCENE) as file:
        np.testing.assert_array_equal(found.hounsfield, file["t0_fields/hounsfield"][0])
        np.testing.assert_array_equal(found.pressure_imag.isel(time=0), file["t0_fields/pressure_imag"][0, 0])
    assert found.hounsfield.dims == ("x", "y", "z")
    assert (found.hounsfield.units, found.pressure_real.units, found.x.units) == ("HU", "Pa", "m")
    nearest = found.pressure_real.sel(x=0.03, y=-0.02, z=0.05, method="nearest")
    assert abs(float(nearest.x) - 0.03) <= 0.03


def test_fields_are_read_when_asked_for(tmp_path):
    path = write_trajectory(tmp_path / "trajectory.h5")
    found = open_xarray(path)
    with h5py.File(path, "a") as file:
        file["t0_fields/smoke"][0, 2, 0, 0] = np.nan
    np.testing.assert_array_equal(found.smoke[:2], fields_of(0)[:2, 1])
    with pytest.raises(DamagedFileError, match="non-finite"):
        found.smoke.load()
