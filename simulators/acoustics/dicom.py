"""Reading a computed-tomography series from a folder of DICOM slices, with distrust."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float

from fieldcast.simulators.acoustics.head import AIR

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_LARGEST_SLICE = 4096
"""Voxels along a side; no scanner makes larger slices."""

_SPACING_TOLERANCE, _ROUNDING = 0.02, 0.01
"""By how much two slices may lie farther apart or closer than the others: a share of the spacing, and [mm]."""

_NEEDED = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept")
_SHARED = ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient")


def read_series(path: str | Path) -> tuple[Float[np.ndarray, "x y z"], Float[np.ndarray, "4 4"]]:
    """Read one CT series.

    Slices are put in order by their position along the normal of the slices, whatever their names and numbers. Each
    is rescaled to Hounsfield units by its own slope and intercept; what a scanner padded is air. A tilted gantry is
    part of the affine.

    **Arguments:**

    - `path`: a folder that holds one series, or any one slice of the series meant in a folder that holds several.
      Other files in the folder are passed over.

    **Returns:** the voxels [HU], first along the rows of the slices, then down their columns, then along the normal;
    and the affine from voxel indices to millimetres in the RAS+ world.

    **Raises:** `ValueError`, with the names of the files, when there is no series or more than one, for slices that
    are missing, doubled or do not fit together, for images that are not CT, and for pixels that cannot be decoded.
    `ImportError` when pydicom is not installed.
    """
    pydicom = import_pydicom()
    slices = _series(pydicom, Path(path))
    for file, header in slices:
        _check_slice(file, header)
    _check_alike(slices)
    slices, step = _in_order(slices)
    volume = np.stack([_hounsfield(pydicom, file) for file, _ in slices], axis=-1)
    return volume, _affine(slices[0][1], step)


def series_files(path: str | Path) -> tuple[Path, ...]:
    """The files of the series that `read_series` reads, sorted by name.

    **Raises:** `ValueError` when there is no series or more than one.
    """
    return tuple(file for file, _ in _series(import_pydicom(), Path(path)))


def is_series(path: str | Path) -> bool:
    """Whether `path` is a folder, or a file with the mark of DICOM."""
    path = Path(path)
    if not path.is_file():
        return path.is_dir()
    with path.open("rb") as stream:
        stream.seek(128)
        return stream.read(4) == b"DICM"


def import_pydicom() -> ModuleType:
    """**Raises:** `ImportError` naming the extra to install."""
    try:
        import pydicom
    except ImportError as error:
        raise ImportError("DICOM files need pydicom; install it with: pip install 'fieldcast[medical]'.") from error
    return pydicom


_Slices = Sequence[tuple[Path, Any]]
"""Files with their headers."""


def _series(pydicom: ModuleType, path: Path) -> _Slices:
    return _chosen(_all_series(pydicom, path if path.is_dir() else path.parent), path)


def _all_series(pydicom: ModuleType, folder: Path) -> dict[str, _Slices]:
    """The images in a folder, by the identifier of their series."""
    found = defaultdict(list)
    for file in sorted(file for file in folder.iterdir() if file.is_file()):
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError:
            continue
        except Exception as error:  # a damaged header fails in many ways
            raise ValueError(f"{file} is a damaged DICOM file ({error}); copy or export it again.") from error
        if "Rows" in header:
            found[str(header.get("SeriesInstanceUID", ""))].append((file, header))
    return found


def _chosen(series: dict[str, _Slices], path: Path) -> _Slices:
    """The one series of a folder, or the one that the slice at `path` belongs to."""
    if path.is_dir():
        if len(series) == 1:
            return next(iter(series.values()))
        if not series:
            raise ValueError(f"{path} holds no DICOM images.")
        listed = "\n".join(_described(slices) for slices in series.values())
        raise ValueError(
            f"{path} holds {len(series)} series:\n{listed}\nGive the path of any one slice of the series you mean."
        )
    for slices in series.values():
        if any(file.resolve() == path.resolve() for file, _ in slices):
            return slices
    raise ValueError(f"{path} is not a DICOM image.")


def _described(slices: _Slices) -> str:
    file, header = slices[0]
    return (
        f"  {header.get('Modality', '?')} {str(header.get('SeriesDescription', 'without description'))!r}, "
        f"{len(slices)} images, for one {file.name}"
    )


def _check_slice(file: Path, header: Any) -> None:
    """Refuse what is not one slice of a CT that says where it lies and what its numbers mean."""
    if header.get("Modality") != "CT":
        raise ValueError(f"{file} is an image of modality {header.get('Modality', '?')}; expected CT.")
    if int(header.get("NumberOfFrames", 1)) != 1:
        raise ValueError(
            f"{file} holds {header.NumberOfFrames} frames; expected a slice a file. Convert it to NIfTI (dcm2niix)."
        )
    if "LOCALIZER" in header.get("ImageType", ()):
        raise ValueError(f"{file} belongs to a localizer (scout view), not to a volume; choose the axial series.")
    missing = [name for name in _NEEDED if header.get(name) in (None, "")]
    if missing:
        raise ValueError(f"{file} does not say its {', '.join(missing)}; export the series again from the scanner.")
    if str(header.get("RescaleType", "HU")) not in ("HU", "US", ""):
        raise ValueError(f"{file} is rescaled to {header.RescaleType}; expected Hounsfield units (HU).")
    if not (1 < header.Rows <= _LARGEST_SLICE and 1 < header.Columns <= _LARGEST_SLICE):
        raise ValueError(f"{file} claims {header.Rows} x {header.Columns} voxels; expected 2 to {_LARGEST_SLICE}.")
    spacing, axes = np.asarray(header.PixelSpacing, float), _axes(header)
    if not np.all((spacing >= 0.1) & (spacing <= 10.0)):
        raise ValueError(f"{file} has voxels of {tuple(spacing)} mm; expected 0.1 to 10 mm.")
    if not np.allclose(axes[:, :2].T @ axes[:, :2], np.eye(2), atol=1e-3):
        raise ValueError(f"{file} has directions that are not at right angles: {header.ImageOrientationPatient}.")


def _check_alike(slices: _Slices) -> None:
    first_file, first = slices[0]
    for file, header in slices[1:]:
        for name in _SHARED:
            came, expected = header[name].value, first[name].value
            if not np.allclose(np.asarray(came, float), np.asarray(expected, float), atol=1e-4):
                raise ValueError(f"{file} has {name} {came}, but {first_file.name} of the same series has {expected}.")


def _in_order(slices: _Slices) -> tuple[_Slices, np.ndarray]:
    """Slices by their position along the normal, and the step from one to the next [mm]."""
    if len(slices) < 2:
        raise ValueError(f"The series of {slices[0][0]} has a single slice; expected a volume. Are files missing?")
    positions = np.array([header.ImagePositionPatient for _, header in slices], dtype=float)
    height = positions @ _axes(slices[0][1])[:, 2]
    order = np.argsort(height, kind="stable")
    slices, positions, height = [slices[i] for i in order], positions[order], height[order]
    gaps = np.diff(height)
    spacing = float(np.median(gaps))
    for i in np.argsort(gaps):  # doubled slices first: they would make others look missing
        _check_gap(gaps[i], spacing, slices[i], slices[i + 1])
    step = (positions[-1] - positions[0]) / (len(slices) - 1)
    off = np.abs(positions - positions[0] - np.arange(len(slices))[:, None] * step).max(axis=1)
    if off.max() > 0.25 * spacing:
        worst = slices[int(np.argmax(off))][0]
        raise ValueError(f"{worst} lies {off.max():.2f} mm off the line of the other slices of its series.")
    return slices, step


def _check_gap(gap: float, spacing: float, below: tuple[Path, Any], above: tuple[Path, Any]) -> None:
    names = f"{below[0]} and {above[0].name}"
    if gap < 1e-3:
        raise ValueError(f"{names} lie at the same place; keep one acquisition of the series in the folder.")
    if abs(gap - spacing) <= _SPACING_TOLERANCE * spacing + _ROUNDING:
        return
    missing = round(gap / spacing) - 1
    if missing > 0 and abs(gap / spacing - missing - 1) < 0.1:
        raise ValueError(
            f"{missing} slice{'s are' if missing > 1 else ' is'} missing between {names}: they lie {gap:.2f} mm apart, "
            f"the others {spacing:.2f} mm. Copy or export the series again."
        )
    raise ValueError(
        f"{names} lie {gap:.3f} mm apart, other slices of their series {spacing:.3f} mm; expected an even spacing. "
        f"Reconstruct the series with one spacing, or resample it to NIfTI (dcm2niix)."
    )


def _hounsfield(pydicom: ModuleType, file: Path) -> Float[np.ndarray, "x y"]:
    """The voxels of a slice [HU], first along its rows."""
    slice_ = pydicom.dcmread(file)
    try:
        stored = slice_.pixel_array
    except Exception as error:  # pydicom and its decoders raise many kinds
        syntax = slice_.file_meta.get("TransferSyntaxUID", None)
        if syntax is not None and syntax.is_compressed:
            raise ValueError(
                f"The pixels of {file} are compressed as {syntax.name} and cannot be decoded here ({error}). Install "
                f"a decoder (pip install pylibjpeg[all]), or decompress the series (dcmdjpeg, dcm2niix)."
            ) from error
        raise ValueError(f"{file} is damaged or cut short ({error}); copy or export it again.") from error
    if stored.ndim != 2:
        raise ValueError(f"{file} holds {stored.shape} pixels, a colour image? Expected one number a pixel.")
    values = stored.astype(np.float32) * float(slice_.RescaleSlope) + float(slice_.RescaleIntercept)
    padding = slice_.get("PixelPaddingValue")
    if padding is not None:
        values[stored == padding] = AIR
    return values.astype(np.float32).T


def _axes(header: Any) -> np.ndarray:
    """The unit vectors along a row, down a column and along the normal, as columns, in DICOM's LPS+ world."""
    along_row, down_column = np.asarray(header.ImageOrientationPatient, dtype=float).reshape(2, 3)
    return np.stack([along_row, down_column, np.cross(along_row, down_column)], axis=1)


def _affine(first: Any, step: np.ndarray) -> Float[np.ndarray, "4 4"]:
    """From voxel indices to the RAS+ world [mm]."""
    between_rows, between_columns = (float(x) for x in first.PixelSpacing)
    axes = _axes(first)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = between_columns * axes[:, 0], between_rows * axes[:, 1], step
    affine[:3, 3] = np.asarray(first.ImagePositionPatient, dtype=float)
    return _LPS_TO_RAS @ affine
