"""What was recorded with a sample, found without reading, or checking, anything else of its file."""

import json
from pathlib import Path
from typing import Any

import h5py

from fieldcast.datasets.hdf5_layout import DamagedFileError

_GROUPS = {"scene": "scene", "trajectory": "provenance"}


def read_provenance(path: Path, kind: str) -> dict[str, Any]:
    """The provenance in a finished file of this kind.

    HDF5 refuses to open a file that is shorter than it says itself, and the mark of completeness is written last: what
    is answered is of its full length. That its fields are undamaged is for `fieldcast inspect` to say.

    **Raises:** `DamagedFileError` when the file is truncated, was never finished, or is of another kind.
    """
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            if file.attrs["complete"] and file.attrs.get("fieldcast_kind", "scene") == kind:
                return json.loads(file[_GROUPS[kind]].attrs["provenance"])
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}") from error
    raise DamagedFileError(f"{path} is not a finished {kind} file.")
