"""Reading and writing volumes as NIfTI files, with distrust."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import ArrayLike, Float

_MILLIMETRES = {"mm": 1.0, "meter": 1e3, "micron": 1e-3}
_SUFFIXES = (".nii", ".nii.gz")
_DEFLATE_LIMIT = 1040
"""No deflate stream is longer than this many times its compressed size."""

_READ_ERRORS = (EOFError, OSError, OverflowError, ValueError, KeyError, zlib.error)


def read_volume(path: str | Path) -> tuple[Float[np.ndarray, "x y z"], Float[np.ndarray, "4 4"]]:
    """Read a three-dimensional NIfTI file.

    **Arguments:**

    - `path`: a `.nii` or `.nii.gz` file.

    **Returns:** the scaled voxels, in the file's own order, and the affine from voxel indices to millimetres.

    **Raises:** `ValueError` for a file that is damaged, not three-dimensional, without length units, or without a
    usable affine. `ImportError` when nibabel is not installed.
    """
    nibabel = import_nibabel()
    path = _checked_path(path)
    try:
        image = nibabel.load(path)
    except FileNotFoundError:
        raise
    except (*_READ_ERRORS, nibabel.spatialimages.HeaderDataError, nibabel.filebasedimages.ImageFileError) as error:
        raise ValueError(f"{path} is not a readable NIfTI file ({error}); export it again.") from error
    shape = _checked_shape(path, image)
    _check_voxel_sizes(path, image)
    affine = _checked_affine(path, image.header, _millimetres(path, image.header))
    _check_complete(path, image)
    try:
        volume = np.asarray(image.dataobj, dtype=np.float32).reshape(shape)
    except _READ_ERRORS as error:
        raise ValueError(f"{path} is damaged or cut short ({error}); copy or export it again.") from error
    return volume, affine


def write_volume(path: str | Path, volume: ArrayLike, affine: np.ndarray, description: str = "") -> None:
    """Write a volume as a NIfTI file, whole or not at all.

    **Arguments:**

    - `path`: a `.nii` or `.nii.gz` file; replaced when it exists.
    - `volume`: two- or three-dimensional; stored in single precision.
    - `affine`: from voxel indices to millimetres, shape `(4, 4)`.
    - `description`: at most 79 characters that viewers show.
    """
    nibabel = import_nibabel()
    path = _checked_path(path)
    volume = np.asarray(volume, dtype=np.float32)
    image = nibabel.Nifti1Image(volume.reshape(volume.shape + (1,) * (3 - volume.ndim)), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode()[:79]
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    with _replacing(path) as unfinished:
        nibabel.save(image, unfinished)


def import_nibabel() -> ModuleType:
    """**Raises:** `ImportError` naming the extra to install."""
    try:
        import nibabel
    except ImportError as error:
        raise ImportError("NIfTI files need nibabel; install it with: pip install 'fieldcast[medical]'.") from error
    return nibabel


def _checked_path(path: str | Path) -> Path:
    path = Path(path)
    if not path.name.lower().endswith(_SUFFIXES):
        raise ValueError(f"{path} is not named like a NIfTI file; expected a name ending in .nii or .nii.gz.")
    return path


def _checked_shape(path: Path, image: Any) -> tuple[int, int, int]:
    """The first three dimensions; further ones must have length one, and the file must be able to hold them."""
    shape = tuple(int(n) for n in image.shape)
    if len(shape) < 3 or any(n != 1 for n in shape[3:]) or any(n < 2 for n in shape[:3]):
        raise ValueError(f"{path} has shape {shape}; expected one three-dimensional volume. Extract one first.")
    dtype = image.header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise ValueError(f"{path} holds voxels of type {dtype}; expected real numbers.")
    claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    held = path.stat().st_size * (_DEFLATE_LIMIT if path.name.lower().endswith(".gz") else 1)
    if claimed > held:
        raise ValueError(
            f"{path} is damaged or cut short: its header claims {shape}, {claimed} bytes of voxels, but a file of "
            f"{path.stat().st_size} bytes cannot hold them. Copy or export it again."
        )
    return shape[:3]


def _check_complete(path: Path, image: Any) -> None:
    """Read a compressed file to its end, where its checksum is."""
    if not path.name.lower().endswith(".gz"):
        return
    expected = int(image.dataobj.offset) + int(np.prod(image.shape)) * image.header.get_data_dtype().itemsize
    length = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(1 << 22):
                length += len(block)
    except _READ_ERRORS as error:
        raise ValueError(f"{path} is damaged or cut short ({error}); copy or export it again.") from error
    if length < expected:
        raise ValueError(f"{path} is cut short: {length} of {expected} bytes; copy or export it again.")


def _check_voxel_sizes(path: Path, image: Any) -> None:
    """Refuse voxel sizes that nibabel would mend by a guess."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
        sizes = type(image.header).from_fileobj(stream, check=False)["pixdim"][1:4]
    if not np.all(np.isfinite(sizes) & (sizes > 0)):
        raise ValueError(f"{path} has voxel sizes of {tuple(float(s) for s in sizes)}; export it again.")


def _millimetres(path: Path, header: Any) -> float:
    """How many millimetres the header's unit of length has."""
    try:
        unit = header.get_xyzt_units()[0]
    except KeyError:
        unit = "invalid"
    if unit not in _MILLIMETRES:
        raise ValueError(
            f"{path} does not say its unit of length (it is {unit!r}; expected mm, meter or micron). Find out, then "
            f"set it: header.set_xyzt_units('mm') in nibabel."
        )
    return _MILLIMETRES[unit]


def _checked_affine(path: Path, header: Any, millimetres: float) -> np.ndarray:
    """The affine in millimetres: the sform where its code is set, else the qform."""
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise ValueError(
            f"{path} has no affine (its sform and qform codes are both 0), so left and right are unknown. Export it "
            f"from the original images with orientation."
        )
    affine = np.asarray(header.get_best_affine(), dtype=float)
    affine[:3] *= millimetres
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine[:3, :3])) <= 1e-4 * np.prod(sizes):
        raise ValueError(f"{path} has an affine that is singular or not finite:\n{affine}\nExport it again.")
    if sizes.min() < 0.1 or sizes.max() > 10.0:
        raise ValueError(
            f"{path} has voxels of {tuple(round(float(s), 4) for s in sizes)} mm; expected 0.1 to 10 mm. Is the unit "
            f"of length in its header right?"
        )
    return affine


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it takes the place of `path` only when all went well."""
    suffix = ".nii.gz" if path.name.lower().endswith(".gz") else ".nii"
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{suffix}")
    try:
        yield unfinished
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
