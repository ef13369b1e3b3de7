"""CT series from DICOM: the same head as from NIfTI, and bad series refused by name."""

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, generate_uid
from scipy.spatial.transform import Rotation

from fieldcast.simulators.acoustics.dicom import read_series
from fieldcast.simulators.acoustics.head import AIR
from fieldcast.simulators.acoustics.head_image import read_head

SHAPE = (14, 11, 8)
ROTATION = Rotation.from_euler("zyx", [20, -15, 30], degrees=True).as_matrix()
TILT = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]])
AFFINES = {
    "axial": np.diag([-2.0, -2.5, 3.0]),
    "towards the feet": np.diag([-2.0, -2.5, -3.0]),
    "sagittal": np.array([[0.0, 0.0, 3.0], [2.0, 0.0, 0.0], [0.0, -2.5, 0.0]]),
    "oblique": ROTATION @ np.diag([2.0, 2.5, 3.0]),
    "oblique, reversed": ROTATION @ np.diag([2.0, 2.5, -3.0]),
    "tilted gantry": TILT @ np.diag([-2.0, -2.5, 3.0]),
}


def affine_of(name: str) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = AFFINES[name]
    affine[:3, 3] = [12.5, -30.25, 41.0]
    return affine


def head_ct() -> np.ndarray:
    """Whole numbers from air to bone, different everywhere."""
    volume = np.random.default_rng(0).permutation(np.arange(np.prod(SHAPE)) * 2 - 1000).reshape(SHAPE)
    return volume.astype(np.float32)


def numbers(values) -> list[str]:
    return [f"{value:.9g}" for value in np.ravel(values)]


def write_slices(folder, volume, affine, order=None, **changes):
    """One file a slice, named in `order`; each with a slope and intercept of its own."""
    folder.mkdir(exist_ok=True)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :2], axis=0)
    series, paths = generate_uid(), []
    for k in range(volume.shape[2]):
        slope, intercept = 1.0 + k % 2, -1024.0 - 2.0 * k
        slice_ = pydicom.Dataset()
        slice_.file_meta = pydicom.dataset.FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.file_meta.MediaStorageSOPClassUID = slice_.SOPClassUID = CTImageStorage
        slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID = generate_uid()
        slice_.SeriesInstanceUID, slice_.SeriesDescription, slice_.Modality = series, "Head 1.0", "CT"
        slice_.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        slice_.Rows, slice_.Columns = volume.shape[1], volume.shape[0]
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit, slice_.PixelRepresentation = 16, 16, 15, 1
        slice_.RescaleSlope, slice_.RescaleIntercept, slice_.RescaleType = str(slope), str(intercept), "HU"
        slice_.PixelSpacing = numbers(spacing[::-1])
        slice_.ImageOrientationPatient = numbers((lps[:3, :2] / spacing).T)
        slice_.ImagePositionPatient = numbers(lps[:3] @ [0, 0, k, 1])
        slice_.PixelData = ((volume[:, :, k].T - intercept) / slope).astype("<i2").tobytes()
        for name, value in changes.items():
            setattr(slice_, name, value)
        number = k if order is None else order[k]
        paths.append(folder / f"IM{number:03d}")
        slice_.save_as(paths[-1], enforce_file_format=True)
    return paths


def edit(path, **changes):
    """Change a slice on disk; `None` removes an element."""
    slice_ = pydicom.dcmread(path)
    for name, value in changes.items():
        if value is None:
            delattr(slice_, name)
        elif name == "TransferSyntaxUID":
            slice_.file_meta.TransferSyntaxUID = value
        else:
            setattr(slice_, name, value)
    slice_.save_as(path)


@pytest.fixture
def series(tmp_path):
    return write_slices(tmp_path / "ct", head_ct(), affine_of("axial"))


@pytest.mark.parametrize("name", AFFINES)
def test_every_voxel_is_where_it_is_in_the_nifti_file(name, tmp_path):
    """Files named in random order; some of the orientations run against the normal of the slices."""
    affine, volume = affine_of(name), head_ct()
    write_slices(tmp_path / "ct", volume, affine, order=np.random.default_rng(1).permutation(SHAPE[2]))
    found, found_affine = read_series(tmp_path / "ct")
    index = np.indices(SHAPE).reshape(3, -1)
    there = (np.linalg.inv(found_affine) @ affine @ np.concatenate([index, np.ones((1, index.shape[1]))]))[:3]
    np.testing.assert_allclose(there, np.rint(there), atol=1e-5)
    np.testing.assert_array_equal(found[tuple(np.rint(there).astype(int))], volume.ravel())


def test_the_head_is_the_one_of_the_nifti_file(tmp_path):
    affine, volume = affine_of("oblique, reversed"), head_ct()
    paths = write_slices(tmp_path / "ct", volume, affine)
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    image.to_filename(tmp_path / "head.nii")
    expected = read_head(tmp_path / "head.nii", spacing=2e-3).head
    for path in (tmp_path / "ct", paths[3]):
        found = read_head(path, spacing=2e-3).head
        assert found.grid.shape == expected.grid.shape
        np.testing.assert_allclose(found.grid.origin, expected.grid.origin, atol=1e-7)
        np.testing.assert_allclose(found.hounsfield, expected.hounsfield, atol=0.1)


def test_what_else_lies_in_the_folder_does_not_matter(series):
    (series[0].parent / "notes.txt").write_text("no image")
    (series[0].parent / "report").mkdir()
    assert read_series(series[0].parent)[0].shape == SHAPE


def test_padding_is_air(series):
    padded = np.frombuffer(pydicom.dcmread(series[2]).PixelData, "<i2")[5]
    slice_ = pydicom.dcmread(series[2])
    slice_.add_new("PixelPaddingValue", "SS", int(padded))
    slice_.save_as(series[2])
    volume, _ = read_series(series[0].parent)
    column, row = 5 % SHAPE[0], 5 // SHAPE[0]
    assert volume[column, row, 2] == AIR
    assert np.sum(volume != head_ct()) == 1


def test_one_of_several_series_is_chosen_by_a_slice(series, tmp_path):
    other = write_slices(tmp_path / "ct", head_ct() + 100, affine_of("axial"), order=range(50, 58))
    with pytest.raises(ValueError, match=r"holds 2 series:(.|\n)*'Head 1.0', 8 images, for one IM050\n.*any one slice"):
        read_series(tmp_path / "ct")
    np.testing.assert_array_equal(read_series(other[4])[0], head_ct() + 100)
    np.testing.assert_array_equal(read_series(series[7])[0], head_ct())


BAD = {
    "a missing slice": (lambda s: s[3].unlink(), r"1 slice is missing between .*IM002 and IM004: they lie 6.00 mm"),
    "two missing slices": (lambda s: [s[i].unlink() for i in (3, 4)], "2 slices are missing between .*IM002 and IM005"),
    "a doubled slice": (
        lambda s: edit(s[3], ImagePositionPatient=pydicom.dcmread(s[4]).ImagePositionPatient),
        "IM003 and IM004 lie at the same place",
    ),
    "an uneven step": (
        lambda s: edit(s[7], ImagePositionPatient=["-12.5", "30.25", "62.9"]),
        r"3.900 mm apart, other slices of their series 3.000 mm",
    ),
    "a shifted slice": (
        lambda s: edit(s[4], ImagePositionPatient=["-10.5", "30.25", "53"]),
        r"IM004 lies 2.00 mm off the line",
    ),
    "a lone slice": (lambda s: [path.unlink() for path in s[1:]], "single slice"),
    "MR": (lambda s: edit(s[5], Modality="MR"), "IM005 is an image of modality MR; expected CT"),
    "a scout": (lambda s: edit(s[5], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "scout"),
    "many frames": (lambda s: edit(s[5], NumberOfFrames=4), "holds 4 frames"),
    "no intercept": (lambda s: edit(s[5], RescaleIntercept=None), "IM005 does not say its RescaleIntercept"),
    "no position": (lambda s: edit(s[5], ImagePositionPatient=None), "IM005 does not say its ImagePositionPatient"),
    "optical density": (lambda s: edit(s[5], RescaleType="OD"), "rescaled to OD"),
    "another voxel size": (lambda s: edit(s[5], PixelSpacing=["2.5", "2.1"]), "has PixelSpacing .* IM000"),
    "skewed axes": (
        lambda s: edit(s[0], ImageOrientationPatient=["1", "0", "0", "0.5", "0.866025", "0"]),
        "not at right angles",
    ),
    "metres": (lambda s: edit(s[0], PixelSpacing=["0.0025", "0.002"]), "expected 0.1 to 10 mm"),
    "huge claims": (lambda s: edit(s[5], Rows=65535), "claims 65535 x 14 voxels"),
    "too few pixels": (lambda s: edit(s[5], PixelData=b"\0\0" * 20), "IM005 is damaged or cut short"),
    "cut short": (lambda s: s[5].write_bytes(s[5].read_bytes()[:-50]), "IM005 is damaged or cut short"),
    "a damaged header": (lambda s: s[5].write_bytes(s[5].read_bytes()[:300]), "IM00[456]"),
    "JPEG-LS": (
        lambda s: edit(s[5], TransferSyntaxUID=JPEGLSLossless, PixelData=encapsulate([b"junk"])),
        "IM005 are compressed as JPEG-LS Lossless .* decompress the series",
    ),
    "JPEG 2000": (
        lambda s: edit(s[5], TransferSyntaxUID=JPEG2000Lossless, PixelData=encapsulate([b"junk"])),
        "IM005 are compressed as JPEG 2000",
    ),
    "no images": (lambda s: [path.unlink() for path in s], "holds no DICOM images"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's own remarks on broken files
def test_refuses(case, series):
    spoil, match = BAD[case]
    spoil(series)
    with pytest.raises(ValueError, match=f"(?s){match}"):
        read_series(series[0].parent)


def test_a_series_that_is_no_head_is_refused(tmp_path):
    write_slices(tmp_path / "ct", np.clip(head_ct(), -900, 100), affine_of("axial"))
    with pytest.raises(ValueError, match="not a head CT in Hounsfield units"):
        read_head(tmp_path / "ct")
