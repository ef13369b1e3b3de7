"""Reading NumPy archives from strangers: no objects, no surprises in size, no members but the expected ones."""

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

_READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(path: str | Path, names: tuple[str, ...], most_bytes: int) -> dict[str, np.ndarray]:
    """Read the arrays of an `.npz` file that must hold these and nothing else.

    What the file claims about itself is checked before anything is decompressed, and nothing is ever unpickled.

    **Arguments:**

    - `path`: the file.
    - `names`: of the arrays.
    - `most_bytes`: largest size of one array.

    **Returns:** the arrays by name.

    **Raises:** `ValueError` for a file that is no archive, is damaged, holds members of other names, Python objects, or
    arrays larger than allowed or than the archive holds.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            expected = [f"{name}.npy" for name in names]
            if unknown := [repr(name) for name in members if name not in expected]:
                raise ValueError(f"it holds {', '.join(unknown[:3])}; expected {', '.join(expected)} and nothing else")
            if missing := [name for name in expected if name not in members]:
                raise ValueError(f"it lacks {', '.join(missing)}")
            if len(archive.infolist()) != len(members):
                raise ValueError("it holds two members of one name")
            return {
                name: _read(archive, members[member], most_bytes) for name, member in zip(names, expected, strict=True)
            }
    except FileNotFoundError:
        raise
    except _READ_ERRORS as error:
        raise ValueError(f"{path} is not a sound NumPy archive and was refused: {error}.") from error


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most_bytes: int) -> np.ndarray:
    if member.file_size > most_bytes:
        raise ValueError(f"{member.filename} would take {member.file_size} bytes, more than the {most_bytes} allowed")
    with archive.open(member) as stream:
        shape, fortran_order, dtype = _header(stream, member.filename)
        size = math.prod(shape) * dtype.itemsize
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds Python objects, which could run code")
        if size > most_bytes or stream.tell() + size != member.file_size:
            raise ValueError(
                f"{member.filename} claims an array of shape {shape} and type {dtype}, {size} bytes, in a member of "
                f"{member.file_size} bytes"
            )
        content = stream.read(size)
        if len(content) != size or stream.read(1):
            raise ValueError(f"{member.filename} is cut short")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C")


def _header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, order and type of an array, as its header claims them."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"{name} is of version {version} of NumPy's format; expected {sorted(_HEADERS)}")
    return _HEADERS[version](stream)
