"""Files that point elsewhere, claim what they do not hold, or are not of the layout: refused before they are read."""

import h5py
import numpy as np
import pytest
from small_trajectories import write_trajectory

from fieldcast.datasets.file_validation import validate_file
from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.trajectory_file import read_trajectory

SMOKE = "t0_fields/smoke"
SHAPE = (1, 3, 4, 3)


def external_storage(file, folder):
    (folder / "secret").write_bytes(bytes(range(144)))
    replace(file, SMOKE, shape=SHAPE, dtype="f4", external=[(str(folder / "secret"), 0, 144)])


def virtual_dataset(file, folder):
    attributes = dict(file[SMOKE].attrs)
    del file[SMOKE]
    layout = h5py.VirtualLayout(SHAPE, "f4")
    layout[...] = h5py.VirtualSource(str(folder / "other.h5"), "data", SHAPE)
    file.create_virtual_dataset(SMOKE, layout)
    file[SMOKE].attrs.update(attributes)


def external_link(file, folder):
    del file[SMOKE]
    file[SMOKE] = h5py.ExternalLink(str(folder / "other.h5"), "/data")


def soft_link(file, folder):
    del file[SMOKE]
    file[SMOKE] = h5py.SoftLink("/dimensions/x")


def cycle(file, folder):
    file["t0_fields/again"] = file["/"]


def object_type(file, folder):
    replace(file, SMOKE, shape=SHAPE, dtype=h5py.string_dtype())


def references(file, folder):
    replace(file, SMOKE, shape=SHAPE, dtype=h5py.ref_dtype)


def double_precision(file, folder):
    replace(file, SMOKE, data=np.zeros(SHAPE))


def big_endian(file, folder):
    replace(file, SMOKE, data=np.zeros(SHAPE, ">f4"))


def unwritten(file, folder):
    replace(file, SMOKE, shape=SHAPE, dtype="f4", chunks=(1, 1, 4, 3))


def half_written(file, folder):
    replace(file, SMOKE, shape=SHAPE, dtype="f4", chunks=(1, 1, 4, 3))
    file[SMOKE][0, 0] = 1.0


def huge_claim(file, folder):
    """Four terabytes in a few kilobytes, with all dimensions in agreement."""
    attributes = dict(file["dimensions/time"].attrs)
    del file["dimensions/time"]
    file["dimensions"].create_dataset("time", (90_000_000_000,), "f4", chunks=(1 << 20,)).attrs.update(attributes)


def zip_bomb(file, folder):
    """Sixteen megabytes of zeros, twice deflated to some hundred bytes."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((1, 1, 2048, 2048))
    creation.set_deflate(9)
    creation.set_deflate(9)
    space = h5py.h5s.create_simple((1, 1, 2048, 2048))
    attributes = dict(file[SMOKE].attrs)
    del file[SMOKE]
    h5py.h5d.create(file["t0_fields"].id, b"smoke", h5py.h5t.IEEE_F32LE, space, creation)
    file[SMOKE][...] = 0.0
    file[SMOKE].attrs.update(attributes)


def swapped_axes(file, folder):
    replace(file, SMOKE, data=np.zeros((1, 3, 3, 4), "f4"))


def components_first(file, folder):
    replace(file, "t1_fields/velocity", data=np.zeros((1, 3, 2, 4, 3), "f4"))


def thin_field(file, folder):
    file[SMOKE].attrs["dim_varying"] = [True, False]


def flag_as_number(file, folder):
    file[SMOKE].attrs["time_varying"] = 1


def two_samples(file, folder):
    file.attrs["n_trajectories"] = 2


def unlisted_field(file, folder):
    file["t0_fields/more"] = np.zeros(SHAPE, "f4")
    file["t0_fields/more"].attrs.update(file[SMOKE].attrs)


def missing_field(file, folder):
    del file[SMOKE]


def foreign_group(file, folder):
    file.create_group("pickle")


def unknown_boundary(file, folder):
    file["boundary_conditions/x_periodic"].attrs["bc_type"] = "PML"


def no_third_group(file, folder):
    del file["t2_fields"]


def parameter_said_otherwise(file, folder):
    file["scalars/viscosity"][()] = 0.2


def time_turned_back(file, folder):
    file["dimensions/time"][2] = 0.0


def altered_units(file, folder):
    file[SMOKE].attrs["unit"] = "kg"


def altered_provenance(file, folder):
    file["provenance"].attrs["provenance"] = '{"index": 1, "recipe_hash": "0123"}'


def not_a_number(file, folder):
    file[SMOKE][0, 1, 2, 1] = np.nan


def infinite(file, folder):
    file["t1_fields/velocity"][0, 2, 0, 0, 1] = np.inf


def replace(file, path, **how):
    """Another dataset with the same attributes."""
    attributes = dict(file[path].attrs)
    del file[path]
    file.create_dataset(path, **how).attrs.update(attributes)


@pytest.mark.parametrize(
    ("attack", "refusal"),
    [
        (external_storage, "outside the file"),
        (virtual_dataset, "outside the file"),
        (external_link, "soft or external link"),
        (soft_link, "soft or external link"),
        (cycle, "not part of the layout"),
        (object_type, "has the type object"),
        (references, "has the type object"),
        (double_precision, "has the type float64"),
        (big_endian, "has the type >f4"),
        (unwritten, "never written"),
        (half_written, "never written"),
        (huge_claim, "claims"),
        (zip_bomb, "the claim is false"),
        (swapped_axes, r"shape \(1, 3, 3, 4\), expected \(1, 3, 4, 3\)"),
        (components_first, r"expected \(1, 3, 4, 3, 2\)"),
        (thin_field, "dim_varying"),
        (flag_as_number, "'time_varying' is .*, expected a true or false"),
        (two_samples, "'n_trajectories' is 2"),
        (unlisted_field, "holds .*more"),
        (missing_field, "holds .*smoke"),
        (foreign_group, "/pickle .*not part of the layout"),
        (unknown_boundary, "'bc_type' is 'PML'"),
        (no_third_group, "/t2_fields is missing"),
        (parameter_said_otherwise, "/scalars/viscosity is not"),
        (time_turned_back, "expected increasing"),
        (altered_units, "altered since"),
        (altered_provenance, "altered since"),
        (not_a_number, "non-finite"),
        (infinite, "non-finite"),
    ],
)
def test_refused(tmp_path, attack, refusal):
    path = write_trajectory(tmp_path / "trajectory.h5")
    assert validate_file(path).fields["smoke"].moments.count == 36
    with h5py.File(path, "a") as file:
        attack(file, tmp_path)
    with pytest.raises(DamagedFileError, match=refusal):
        validate_file(path)
    with pytest.raises(DamagedFileError, match=refusal):
        read_trajectory(path)
