"""Data files as xarray shows them: axes by name, coordinates, units."""

from pathlib import Path
from typing import Any

import numpy as np

from fieldcast.datasets.hdf5_layout import fields_of, finished_file, require_finite
from fieldcast.datasets.hdf5_structure import check_structure

try:
    import xarray
    from xarray.backends import BackendArray
    from xarray.core import indexing
except ImportError as error:
    raise ImportError("Views by xarray need the package xarray: pip install 'fieldcast[export]'.") from error


_ABOUT = ("dataset_name", "grid_type", "components", "scales", "fieldcast_version", "provenance")


def open_xarray(path: Path) -> xarray.Dataset:
    """A scene or trajectory file as an `xarray.Dataset`; of a field no more is read than what is asked for.

    Fields have the dimensions `time` (if they vary in it), those of space and, if vectors, `component`, whose labels
    are the axes of space. Fields, parameters and coordinates have the attribute `units`; what else the file says of
    itself is in the attributes of the dataset, `provenance` as JSON.

    **Raises:** `DamagedFileError` when the file is damaged, here or when a field is read.
    """
    path = Path(path).absolute()
    with finished_file(path) as file:
        attributes = check_structure(file)
        root, axes = attributes["/"], attributes["/dimensions"]["spatial_dims"]
        coordinates = {
            name: (name, file["dimensions"][name][()], _units(attributes, f"/dimensions/{name}"))
            for name in ("time", *axes)
        }
        variables: dict[str, Any] = {
            name: ((), root[name], _units(attributes, f"/scalars/{name}")) for name in root["simulation_parameters"]
        }
        for name, order, dataset in fields_of(file):
            times = ("time",) if dataset.attrs["time_varying"] else ()
            components = ("component",) if order == 1 else tuple(f"component_{n + 1}" for n in range(order))
            coordinates |= {component: (component, axes) for component in components}
            values = indexing.LazilyIndexedArray(_Field(path, dataset.name, dataset.shape[1:], dataset.dtype))
            variables[name] = ((*times, *axes, *components), values, _units(attributes, dataset.name))
    about = attributes["/"] | attributes.get("/scene", {}) | attributes.get("/provenance", {})
    return xarray.Dataset(variables, coordinates, {name: about[name] for name in _ABOUT if name in about})


class _Field(BackendArray):
    """The only sample of a field, read piece by piece."""

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype):
        self.path, self.name, self.shape, self.dtype = path, name, shape, dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[int | slice, ...]) -> np.ndarray:
        with finished_file(self.path) as file:
            return require_finite(file[self.name], file[self.name][(0, *key)])


def _units(attributes: dict[str, dict[str, Any]], path: str) -> dict[str, str]:
    return {"units": attributes[path]["unit"]}
