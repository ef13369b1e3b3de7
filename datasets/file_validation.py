"""Whether a data file is all that it claims to be, and what is in it."""

import json
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import h5py
from tqdm import tqdm

from fieldcast.datasets.hdf5_layout import DamagedFileError, fields_of, finished_file, snapshots
from fieldcast.datasets.hdf5_structure import Attributes, check_structure
from fieldcast.datasets.manifest_file import RECIPE, data_files, recipe_hash
from fieldcast.datasets.moments import Moments


@dataclass(frozen=True)
class FieldSummary:
    """A field: order of its tensors, unit, whether it varies in time, and its numbers, component by component."""

    order: int
    unit: str
    time_varying: bool
    moments: Moments


@dataclass(frozen=True)
class FileSummary:
    """What is in a data file.

    - `size` [bytes].
    - `kind`: `scene` or `trajectory`.
    - `name`: of the dataset.
    - `axes`: of space: number of points, first and last coordinate, unit.
    - `times`: the same of time.
    - `fields`, and `parameters` with their units.
    - `provenance`: what the writer said of its origin.
    - `version`: of the library that wrote it.
    """

    size: int
    kind: str
    name: str
    axes: dict[str, tuple[int, float, float, str]]
    times: tuple[int, float, float, str]
    fields: dict[str, FieldSummary]
    parameters: dict[str, tuple[float, str]]
    provenance: dict[str, Any]
    version: str

    @property
    def form(self) -> tuple:
        """What all files of a dataset have in common."""
        return (
            self.kind,
            self.name,
            {name: (number, unit) for name, (number, _, _, unit) in self.axes.items()},
            self.times[0],
            {name: (field.order, field.unit, field.time_varying) for name, field in self.fields.items()},
            {name: unit for name, (_, unit) in self.parameters.items()},
        )


def validate_file(path: Path) -> FileSummary:
    """Check a data file against the layout, read every number of it, and say what is there.

    **Raises:** `FileNotFoundError` when there is no file; `DamagedFileError` for everything that `check_structure`
    refuses, for checksums that do not hold, and for numbers that are not finite.
    """
    path = Path(path)
    with finished_file(path) as file:
        attributes = check_structure(file)
        root = attributes["/"]
        kind = root.get("fieldcast_kind", "scene")
        origin = attributes["/scene" if kind == "scene" else "/provenance"]
        return FileSummary(
            size=path.stat().st_size,
            kind=kind,
            name=root["dataset_name"],
            axes={name: _ends(file, name, attributes) for name in attributes["/dimensions"]["spatial_dims"]},
            times=_ends(file, "time", attributes),
            fields={name: _field(dataset, order, attributes) for name, order, dataset in fields_of(file)},
            parameters={
                name: (root[name], attributes[f"/scalars/{name}"]["unit"]) for name in root["simulation_parameters"]
            },
            provenance=json.loads(origin["provenance"]),
            version=root.get("fieldcast_version") or origin["fieldcast_version"],
        )


def _ends(file: h5py.File, name: str, attributes: Attributes) -> tuple[int, float, float, str]:
    points = file["dimensions"][name]
    return len(points), float(points[0]), float(points[-1]), attributes[f"/dimensions/{name}"]["unit"]


def _field(dataset: h5py.Dataset, order: int, attributes: Attributes) -> FieldSummary:
    about = attributes[dataset.name]
    moments = reduce(add, (Moments.of(snapshot, order) for snapshot in snapshots(dataset)))
    return FieldSummary(order, about["unit"], about["time_varying"], moments)


def validate_files(root: Path) -> dict[str, FileSummary]:
    """Check every data file of a dataset, and that they belong together; what is in them by their paths below `root`.

    **Raises:** `FileNotFoundError` when there is none; `DamagedFileError` as `validate_file`, for files of different
    forms, of another recipe than `recipe.json`, and for two files of one sample.
    """
    root = Path(root)
    names = [name for name, _ in data_files(root)]
    if not names:
        raise FileNotFoundError(f"{root} holds no data files (data/<split>/<name>.h5).")
    wanted = recipe_hash(root)
    found: dict[str, FileSummary] = {}
    samples: dict[int, str] = {}
    for name in tqdm(names, desc="validate", unit="file", leave=False, delay=1.0):
        found[name] = summary = validate_file(root / name)
        if summary.form != found[names[0]].form:
            raise DamagedFileError(f"{root / name} has other axes, fields, parameters or units than {names[0]}.")
        if wanted not in (None, summary.provenance.get("recipe_hash", wanted)):
            raise DamagedFileError(f"{root / name} was made by another recipe than the one in {RECIPE}.")
        index = summary.provenance.get("index")
        if index is not None and samples.setdefault(index, name) != name:
            raise DamagedFileError(f"{root / name} and {samples[index]} are the same sample, {index}.")
    return found
