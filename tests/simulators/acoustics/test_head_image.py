"""Heads through NIfTI files: a point of the world stays where it is, and bad files are refused by name."""

import builtins
import gzip
import os

import jax.numpy as jnp
import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.head import AIR
from fieldcast.simulators.acoustics.head_image import read_head, write_field
from fieldcast.simulators.acoustics.nifti import read_volume, write_volume
from fieldcast.simulators.acoustics.placement import Bowl, check_clear_of_head, grid_around, place_bowl
from fieldcast.simulators.grid import Grid

SHAPE = (36, 30, 24)
BLOB = np.array([12.0, -9.0, 31.0])
"""World coordinates [mm]."""

AFFINES = {
    "straight": np.diag([2.0, 2.0, 2.0]),
    "flipped": np.diag([-2.0, 2.0, -1.5]),
    "permuted": np.array([[0.0, 2.0, 0.0], [0.0, 0.0, -2.5], [1.5, 0.0, 0.0]]),
    "oblique": Rotation.from_euler("zyx", [20, -15, 30], degrees=True).as_matrix() @ np.diag([2.0, 1.8, -2.2]),
}


def affine_of(name: str) -> np.ndarray:
    """An affine that puts the blob off the middle of the image."""
    affine = np.eye(4)
    affine[:3, :3] = AFFINES[name]
    affine[:3, 3] = BLOB - affine[:3, :3] @ np.array([15.0, 17.0, 10.0])
    return affine


def world_of(affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    return np.tensordot(affine[:3, :3], index, axes=1) + affine[:3, 3].reshape(3, 1, 1, 1)


def blob_image(affine: np.ndarray, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Air with a bony blob of 5 mm at `BLOB`."""
    distance = np.linalg.norm(world_of(affine, shape) - BLOB.reshape(3, 1, 1, 1), axis=0)
    return (AIR + 3000.0 * np.exp(-0.5 * (distance / 5.0) ** 2)).astype(np.float32)


def centroid(weights: np.ndarray, world: np.ndarray) -> np.ndarray:
    return (world * weights).reshape(3, -1).sum(axis=1) / weights.sum()


@pytest.fixture
def saved(tmp_path):
    """A function that saves an image, changed as asked, and gives its path."""

    def save(volume=None, affine=None, name="head.nii.gz", units="mm", header=None, codes=(1, 1)):
        affine = affine_of("flipped") if affine is None else affine
        image = nib.Nifti1Image(blob_image(affine_of("flipped")) if volume is None else volume, affine)
        if units is not None:
            image.header.set_xyzt_units(units)
        image.set_sform(affine, code=codes[0])
        image.header["qform_code"] = codes[1]
        for key, value in (header or {}).items():
            image.header[key] = value
        image.to_filename(tmp_path / name)
        return tmp_path / name

    return save


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("name", AFFINES)
def test_a_blob_stays_where_it_is(name, suffix, saved, tmp_path):
    """File -> head -> field -> file: the blob's centroid keeps its world coordinates all the way."""
    affine = affine_of(name)
    path = saved(blob_image(affine), affine, "head" + suffix)
    image = read_head(path, spacing=1.7e-3)
    hounsfield = np.asarray(image.head.hounsfield)
    np.testing.assert_allclose(centroid(hounsfield - AIR, 1e3 * np.asarray(image.head.grid.points())), BLOB, atol=0.1)
    assert hounsfield.max() > 1700.0
    # A field on a small grid of its own, with its blob 4 mm away.
    grid = Grid((32, 30, 28), 1e-3, tuple(1e-3 * BLOB - 15e-3))
    where = 1e-3 * BLOB + [4e-3, 0.0, -2e-3]
    distance = np.linalg.norm(np.asarray(grid.points()) - where.reshape(3, 1, 1, 1), axis=0)
    pressure = 2e5 * np.exp(-0.5 * (distance / 3e-3) ** 2)
    field = PressureField(jnp.asarray(pressure * np.exp(0.7j)), grid, 5e5)
    write_field(tmp_path / "field.nii.gz", field, image)
    written = nib.load(tmp_path / "field.nii.gz")
    assert written.shape == SHAPE
    np.testing.assert_allclose(written.affine, affine, atol=1e-4)
    assert written.header.get_xyzt_units()[0] == "mm"
    amplitude = written.get_fdata()
    np.testing.assert_allclose(centroid(amplitude, world_of(affine, SHAPE)), 1e3 * where, atol=0.1)
    on_voxels = np.linalg.norm(1e-3 * world_of(affine, SHAPE) - where.reshape(3, 1, 1, 1), axis=0)
    np.testing.assert_allclose(amplitude, 2e5 * np.exp(-0.5 * (on_voxels / 3e-3) ** 2), atol=0.03 * 2e5)


def test_the_native_grid_loses_nothing(tmp_path):
    grid = Grid((9, 7, 5), 0.4e-3, (0.01, -0.02, 0.03))
    pressure = np.random.default_rng(0).uniform(0, 1e6, grid.shape)
    write_field(tmp_path / "field.nii", PressureField(jnp.asarray(pressure, dtype=float), grid, 5e5))
    volume, affine = read_volume(tmp_path / "field.nii")
    np.testing.assert_allclose(volume, pressure, rtol=1e-6)
    np.testing.assert_allclose(affine @ [8, 6, 4, 1], [13.2, -17.6, 31.6, 1.0], rtol=1e-5)
    plane = PressureField(jnp.ones((4, 5)), Grid((4, 5), 1e-3), 5e5)
    write_field(tmp_path / "plane.nii", plane)
    assert nib.load(tmp_path / "plane.nii").shape == (4, 5, 1)


def test_voxels_that_lie_on_the_grid_are_copied(saved):
    affine = np.diag([-2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = BLOB - affine[:3, :3] @ np.array([15.0, 17.0, 10.0])
    image = read_head(saved(blob_image(affine), affine))
    assert image.head.grid.spacing == pytest.approx(2e-3)
    np.testing.assert_allclose(image.head.hounsfield, blob_image(affine)[::-1], atol=0.05)


@pytest.mark.parametrize(("units", "factor"), [("meter", 1e-3), ("micron", 1e3)])
def test_units_of_the_header_are_honoured(units, factor, saved):
    affine = affine_of("oblique")
    scaled = np.diag([factor, factor, factor, 1.0]) @ affine
    image = read_head(saved(blob_image(affine), scaled, units=units), spacing=2e-3)
    weights = np.asarray(image.head.hounsfield) - AIR
    np.testing.assert_allclose(centroid(weights, 1e3 * np.asarray(image.head.grid.points())), BLOB, atol=0.1)
    np.testing.assert_allclose(image.affine, affine, rtol=1e-5)


def test_the_qform_serves_where_there_is_no_sform(saved):
    affine = affine_of("oblique")
    path = saved(blob_image(affine), affine)
    loaded = nib.load(path)
    loaded.set_qform(affine, code=1)
    loaded.header["sform_code"] = 0
    loaded.header["srow_x"] = 0
    nib.Nifti1Image(loaded.dataobj, None, loaded.header).to_filename(path.with_name("qform.nii.gz"))
    weights = np.asarray(read_head(path.with_name("qform.nii.gz")).head.hounsfield) - AIR
    grid = read_head(path.with_name("qform.nii.gz")).head.grid
    np.testing.assert_allclose(centroid(weights, 1e3 * np.asarray(grid.points())), BLOB, atol=0.1)


def bad_images():
    flipped = affine_of("flipped")
    good = blob_image(flipped)
    with_nan = good.copy()
    with_nan[3, 4, 5] = np.nan
    flat = flipped.copy()
    flat[:3, 1] = flat[:3, 0]
    not_finite = flipped.copy()
    not_finite[0, 3] = np.nan
    return {
        "four dimensions": ({"volume": np.stack([good, good], axis=-1)}, "one three-dimensional volume"),
        "a slice": ({"volume": good[:, :, :1]}, "one three-dimensional volume"),
        "complex voxels": ({"volume": good.astype(np.complex64)}, "expected real numbers"),
        "no units": ({"units": None}, "does not say its unit of length"),
        "singular affine": ({"affine": flat}, "singular or not finite"),
        "affine with NaN": ({"affine": not_finite}, "singular or not finite"),
        "no affine": ({"codes": (0, 0)}, "no affine"),
        "NaN voxels": ({"volume": with_nan}, "1 voxels that are NaN"),
        "tiny voxels": ({"affine": np.diag([0.001, 0.001, 0.001, 1.0])}, "expected 0.1 to 10 mm"),
        "huge voxels": ({"affine": np.diag([100.0, 100.0, 100.0, 1.0])}, "expected 0.1 to 10 mm"),
        "normalised": ({"volume": (good + 1000) / 3000}, "no air"),
        "stored values": ({"volume": good + 1024}, "rescale intercept"),
        "no bone": ({"volume": np.minimum(good, 100)}, "rescale slope"),
        "not a NIfTI name": ({"name": "head.mgz"}, "not named like a NIfTI"),
    }


@pytest.mark.parametrize("case", bad_images())
def test_refuses(case, saved, tmp_path):
    changes, match = bad_images()[case]
    path = tmp_path / changes["name"] if "name" in changes else saved(**changes)
    with pytest.raises(ValueError, match=match):
        read_head(path)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("keep", [0.97, 0.5, 0.01])
def test_refuses_files_that_are_cut_short(saved, suffix, keep):
    path = saved(np.random.default_rng(0).uniform(-1000, 2000, SHAPE).astype(np.float32), name="head" + suffix)
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"cut short|not a readable NIfTI"):
        read_head(path)


def test_refuses_a_compressed_file_without_its_checksum(saved):
    path = saved()
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(ValueError, match="cut short"):
        read_head(path)


def test_refuses_flipped_bits(saved):
    path = saved(np.random.default_rng(0).uniform(-1000, 2000, SHAPE).astype(np.float32))
    content = bytearray(gzip.decompress(path.read_bytes()))
    honest = gzip.compress(bytes(content))
    content[5000] ^= 0xFF
    damaged = gzip.compress(bytes(content))
    path.write_bytes(damaged[:-8] + honest[-8:])
    with pytest.raises(ValueError, match="damaged"):
        read_head(path)


@pytest.mark.parametrize("name", ["head.nii", "head.nii.gz"])
def test_refuses_a_header_that_claims_too_much(saved, name):
    """Refused by arithmetic, before memory is asked for."""
    path = saved(name=name)
    opener = gzip.open if name.endswith("gz") else open
    with opener(path, "rb") as stream:
        content = bytearray(stream.read())
    content[40:48] = np.array([3, 30000, 30000, 30000], dtype="<i2").tobytes()
    with opener(path, "wb") as stream:
        stream.write(content)
    with pytest.raises(ValueError, match="header claims"):
        read_head(path)


@pytest.mark.parametrize(
    ("offset", "value", "match"),
    [
        (108, np.inf, "not a readable NIfTI"),  # where the voxels begin
        (108, 1e30, "damaged"),
        (80, 0.0, "voxel sizes"),
        (84, -2.0, "voxel sizes"),
        (88, np.nan, "voxel sizes"),
    ],
)
def test_refuses_headers_without_sense(saved, offset, value, match):
    """A voxel size of zero would be taken for one millimetre."""
    path = saved(name="head.nii")
    content = bytearray(path.read_bytes())
    content[offset : offset + 4] = np.float32(value).tobytes()
    path.write_bytes(content)
    with pytest.raises(ValueError, match=match):
        read_head(path)


def test_refuses_what_is_no_nifti(tmp_path):
    (tmp_path / "head.nii").write_bytes(b"not an image" * 100)
    with pytest.raises(ValueError, match="not a readable NIfTI"):
        read_head(tmp_path / "head.nii")
    with pytest.raises(FileNotFoundError):
        read_head(tmp_path / "nowhere.nii")


@pytest.mark.parametrize("spacing", [1.0, 1e-6, float("nan")])
def test_refuses_spacings_in_millimetres(saved, spacing):
    with pytest.raises(ValueError, match="were millimetres meant"):
        read_head(saved(), spacing=spacing)


def test_refuses_grids_beyond_memory(saved):
    with pytest.raises(ValueError, match="coarser spacing"):
        read_head(saved(affine=np.diag([9.0, 9.0, 9.0, 1.0])), spacing=1e-4)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "field.nii.gz"
    write_volume(path, np.ones((3, 3, 3)), np.eye(4))
    before = path.read_bytes()

    def broken(image, name):
        name.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(nib, "save", broken)
    with pytest.raises(OSError, match="disk full"):
        write_volume(path, np.zeros((3, 3, 3)), np.eye(4))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_without_nibabel_the_extra_is_named(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without_nibabel(name, *args, **kwargs):
        if name == "nibabel":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_nibabel)
    with pytest.raises(ImportError, match=r"fieldcast\[medical\]"):
        read_volume(tmp_path / "head.nii")


if HEAD_CT := os.environ.get("FIELDCAST_HEAD_CT"):

    def test_a_real_head():
        """A CT from ear to chin, cut at the vault: the brain is found, and a bowl goes to the temple and the back."""
        image = read_head(HEAD_CT, spacing=2e-3)
        head = image.head
        x, _, z = np.asarray(head.grid.points())[:, head.cavity]
        assert 0.25e-3 < head.cavity.sum() * head.grid.spacing**3 < 0.4e-3
        assert abs(x.mean()) < 10e-3
        assert z.min() > -10e-3
        bowl = Bowl(radius_of_curvature=30e-3, aperture_diameter=28e-3, frequency=375e3, surface_pressure=1e5)
        fine = read_head(HEAD_CT, spacing=1e-3).head
        for entry, target in (
            ((-90e-3, -10e-3, 52e-3), (-45e-3, -10e-3, 50e-3)),
            ((12e-3, -110e-3, 45e-3), (10e-3, -65e-3, 45e-3)),
        ):
            transducer = place_bowl(head, bowl, entry=entry, target=target, standoff=5e-3)
            patch = fine.resample(grid_around(transducer, (48,) * 3, 1e-3))
            check_clear_of_head(transducer, patch)
            assert patch.cavity[tuple(np.rint(np.asarray(patch.grid.to_index(target))).astype(int))]
            assert 0.05 < patch.cavity.mean() < 0.4
