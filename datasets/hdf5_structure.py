"""Whether an HDF5 file follows the layout, found out before a number of it is read.

A file from elsewhere may point to other files, claim sizes that it does not have, or lack what was never written. HDF5
opens all of these, and reads zeros, or another file's bytes.
"""

import hashlib
import json
import math
import posixpath
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from fieldcast.datasets.attribute_values import restored
from fieldcast.datasets.layout import FORMAT_VERSION, KINDS, LAYOUT, Attribute, Item, described

Attributes = dict[str, dict[str, Any]]
"""The attributes of every group and dataset, by its path."""

Objects = dict[str, tuple[Item, Any]]
"""Every group and dataset with its description, by its path."""

# No filter that we write makes data smaller than this: the largest ratio of deflate.
MAX_COMPRESSION = 1040
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}


class DamagedFileError(ValueError):
    """A file that is truncated, corrupted, incomplete, hostile, or of another kind."""


def check_structure(file: h5py.File, kind: str | None = None) -> Attributes:
    """The attributes of every object, if `file` has the layout, whole and by itself; none of its fields is read.

    **Arguments:** `kind`: the only kind of file that will do, if not any.

    **Raises:** `DamagedFileError` for unfinished files and other kinds, links, data in other files, virtual data, other
    types and shapes than the layout's, chunks that were never written, sizes beyond the file's, missing or unknown
    objects, and attributes that were altered.
    """
    try:
        kind = _kind_if_finished(file, kind)
        objects = {path: (item, thing) for path, item, thing in _objects(file, kind)}
        attributes = {path: _attributes(path, item, thing, kind) for path, (item, thing) in objects.items()}
        _check_names(objects, attributes, kind)
        _check_storage(objects, file.id.get_filesize())
        _check_shapes(objects, attributes)
        _check_values(file, attributes)
    except Exception as error:  # a hostile file may make HDF5 fail in any way
        raise DamagedFileError(f"{file.filename} is refused: {error}") from error
    return attributes


def digest(file: h5py.File, attributes: Attributes) -> str:
    """The sha256 of all attributes, and of the numbers that HDF5 keeps without a checksum."""
    found = hashlib.sha256()
    for path in sorted(attributes):
        values = {name: value for name, value in attributes[path].items() if name not in ("digest", "complete")}
        found.update(json.dumps([path, values], sort_keys=True).encode())
        if isinstance(file[path], h5py.Dataset) and file[path].chunks is None:
            found.update(file[path][()].tobytes())
    return found.hexdigest()


def _objects(file: h5py.File, kind: str) -> Iterator[tuple[str, Item, h5py.Group | h5py.Dataset]]:
    """Every object of the file with its path and its description."""
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        item, thing = described(path, kind), file[path]
        if item is None or not isinstance(thing, h5py.Dataset if item.dtype else h5py.Group):
            raise ValueError(f"{path} ({type(thing).__name__}) is not part of the layout of a {kind} file.")
        yield path, item, thing
        if isinstance(thing, h5py.Group):
            for name in thing:
                if thing.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
                    raise ValueError(
                        f"{posixpath.join(path, name)} is a soft or external link; links are not followed."
                    )
                waiting.append(posixpath.join(path, name))


def _kind_if_finished(file: h5py.File, wanted: str | None) -> str:
    # The first scene files did not name their kind.
    kind = file.attrs.get("fieldcast_kind", "scene")
    if (
        kind not in (KINDS if wanted is None else (wanted,))
        or file.attrs.get("fieldcast_format") != FORMAT_VERSION
        or not file.attrs.get("complete", False)
    ):
        raise ValueError(
            f"it is not a finished {wanted or 'data'} file of format {FORMAT_VERSION}; delete it and generate it again."
        )
    return kind


def _attributes(path: str, item: Item, thing: h5py.Group | h5py.Dataset, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    stored = thing.attrs
    for attribute in item.attributes:
        if kind not in attribute.kinds:
            continue
        names = found["simulation_parameters"] if attribute.name.startswith("<") else [attribute.name]
        for name in names:
            if name in stored:
                found[name] = _value(path, name, attribute, stored[name])
            elif attribute.required:
                raise ValueError(f"{path} lacks the attribute {name!r}.")
    return found


def _value(path: str, name: str, attribute: Attribute, value: Any) -> Any:
    """The value of an attribute in plain Python types."""
    try:
        value = restored(attribute.type, value)
    except ValueError as error:
        raise ValueError(f"{path}: the attribute {name!r} is {error}.") from error
    if attribute.choices and value not in attribute.choices:
        raise ValueError(f"{path}: the attribute {name!r} is {value!r}, expected one of {attribute.choices}.")
    return value


def _check_names(objects: Objects, attributes: Attributes, kind: str) -> None:
    """Everything that must be there is, and nothing else."""
    for item in LAYOUT:
        if kind in item.kinds and "<" not in item.path and item.path not in objects:
            raise ValueError(f"{item.path} is missing.")
    listed_in = {posixpath.dirname(item.path): item.listed_in for item in LAYOUT if item.listed_in}
    for group, attribute in listed_in.items():
        listed = sorted(attributes[group][attribute])
        found = sorted(
            posixpath.basename(path)
            for path, (item, _) in objects.items()
            if item.listed_in and posixpath.dirname(path) == group
        )
        if listed != found:
            raise ValueError(f"{group} holds {found}, and its {attribute} are {listed}.")
    root = attributes["/"]
    if root["simulation_parameters"] != attributes["/scalars"]["field_names"]:
        raise ValueError("simulation_parameters and the field_names of /scalars differ.")
    if root["n_spatial_dims"] != len(attributes["/dimensions"]["spatial_dims"]):
        raise ValueError("n_spatial_dims is not the number of spatial_dims.")


def _check_storage(objects: Objects, file_size: int) -> None:
    """Every dataset lies in the file, whole; no number is read for this."""
    stored = 0
    for path, (item, dataset) in objects.items():
        if item.dtype is None:
            continue
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{path} points to data outside the file (external or virtual storage).")
        if dataset.dtype != np.dtype(item.dtype):
            raise ValueError(f"{path} has the type {dataset.dtype}, expected {item.dtype}.")
        if dataset.chunks is None:
            whole = dataset.id.get_storage_size() == dataset.nbytes
            claimed = dataset.nbytes
        else:
            grid = [-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True)]
            whole = dataset.id.get_num_chunks() == math.prod(grid) and _filters_are_known(dataset)
            claimed = math.prod(grid) * math.prod(dataset.chunks) * dataset.dtype.itemsize
        stored += dataset.id.get_storage_size()
        if not whole or claimed > MAX_COMPRESSION * dataset.id.get_storage_size() or stored > file_size:
            raise ValueError(
                f"{path} claims {dataset.shape} values and the file holds {dataset.id.get_storage_size()} bytes of it: "
                "some were never written, or the claim is false."
            )


def _filters_are_known(dataset: h5py.Dataset) -> bool:
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(index)[0] for index in range(creation.get_nfilters())]
    return len(filters) == len(set(filters)) and set(filters) <= _FILTERS


def _check_shapes(objects: Objects, attributes: Attributes) -> None:
    """Every dataset has the axes that its flags and the dimensions say."""
    axes = attributes["/dimensions"]["spatial_dims"]
    lengths = {axis: _first(objects[f"/dimensions/{axis}"][1].shape) for axis in axes}
    for path, (item, thing) in objects.items():
        if item.dtype is None:
            continue
        flags, above = attributes[path], attributes[posixpath.dirname(path)]
        if flags.get("dim_varying", [True] * len(axes)) != [True] * len(axes):
            raise ValueError(f"{path}: dim_varying is {flags['dim_varying']}, expected {[True] * len(axes)}.")
        sizes = {
            "sample": [attributes["/"]["n_trajectories"]] if flags.get("sample_varying") else [],
            "time": [_first(objects["/dimensions/time"][1].shape)] if flags.get("time_varying") else [],
            "space": list(lengths.values()),
            "component": [len(axes)],
            "boundary": [lengths[axis] for axis in above.get("associated_dims", [])],
        }
        expected: tuple[int, ...] = ()
        for axis in item.axes:
            expected += tuple(sizes.get(axis, [_first(thing.shape[len(expected) :])]))
        if thing.shape != expected or 0 in expected:
            raise ValueError(f"{path} has shape {thing.shape}, expected {expected}.")


def _first(shape: tuple[int, ...]) -> int:
    return shape[0] if shape else 0


def _check_values(file: h5py.File, attributes: Attributes) -> None:
    """Times increase, places are finite, what is said twice agrees, and the attributes are those that were written."""
    root = attributes["/"]
    for name, dataset in file["dimensions"].items():
        points = dataset[()]
        if not np.isfinite(points).all() or (name == "time" and (np.diff(points) <= 0).any()):
            raise ValueError(
                f"/dimensions/{name} is {points}, expected {'increasing' if name == 'time' else 'finite'}."
            )
    for name, boundary in file["boundary_conditions"].items():
        mask = boundary["mask"][()]
        if mask[1:-1].any() or not mask[[0, -1]].all():
            raise ValueError(
                f"/boundary_conditions/{name}/mask is not true at the two ends of the axis and false between."
            )
    for name in root["simulation_parameters"]:
        if file["scalars"][name][()] != root[name]:
            raise ValueError(f"/scalars/{name} is not the attribute {name!r} of the file.")
    if "digest" in root and root["digest"] != digest(file, attributes):
        raise ValueError("an attribute or a parameter was altered since the file was written.")
