"""Mean and spread of every field of a dataset, and of its changes in time, over the training split.

Stored as The Well stores them (`stats.yaml`, read by its `ZScoreNormalization` and `RMSNormalization`): over all
samples, times and points, a number for a scalar field and a list of numbers for a vector field. A change is the
difference of two successive snapshots; a field of a single time has changes of zero, a field that is constant in time
has none.
"""

from dataclasses import dataclass, fields
from functools import reduce
from operator import add
from pathlib import Path

import h5py
import numpy as np
import yaml
from jaxtyping import Float
from tqdm import tqdm

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.hdf5_layout import DamagedFileError, fields_of, finished_file, snapshots
from fieldcast.datasets.manifest_file import STATISTICS, data_files, read_listed
from fieldcast.datasets.moments import Moments


@dataclass(frozen=True)
class FieldStatistics:
    """Mean, standard deviation and root mean square of a field and of its change from snapshot to snapshot.

    Arrays of shape `()` for a scalar, `(component,)` for a vector, in the field's unit; the last three are nothing for
    a field that is constant in time.
    """

    mean: Float[np.ndarray, " *component"]
    std: Float[np.ndarray, " *component"]
    rms: Float[np.ndarray, " *component"]
    mean_delta: Float[np.ndarray, " *component"] | None = None
    std_delta: Float[np.ndarray, " *component"] | None = None
    rms_delta: Float[np.ndarray, " *component"] | None = None


_QUANTITIES = tuple(field.name for field in fields(FieldStatistics))


def write_statistics(root: Path) -> dict[str, FieldStatistics]:
    """Compute the statistics of the training split, one snapshot at a time, and write them to `root/stats.yaml`.

    **Raises:** `ValueError` when there is no training data; `DamagedFileError` for a damaged file.
    """
    paths = [Path(root) / name for name, split in data_files(root) if split == "train"]
    if not paths:
        raise ValueError(f"{root} holds no training data, over which statistics could be taken.")
    values: dict[str, Moments] = {}
    changes: dict[str, Moments] = {}
    for path in tqdm(paths, desc="statistics", unit="file", leave=False, delay=1.0):
        with finished_file(path) as file:
            for name, order, dataset in fields_of(file):
                of_values, of_changes = _moments(dataset, order)
                values[name] = values[name] + of_values if name in values else of_values
                if of_changes is not None:
                    changes[name] = changes[name] + of_changes if name in changes else of_changes
    found = {name: _statistics(moments, changes.get(name)) for name, moments in values.items()}
    with atomic_write(Path(root) / STATISTICS) as temporary:
        temporary.write_text(_to_yaml(found))
    return found


def read_statistics(root: Path) -> dict[str, FieldStatistics]:
    """The statistics of a dataset by the names of its fields, if `stats.yaml` is the file that the manifest lists.

    **Raises:** `FileNotFoundError` when the dataset has no manifest; `DamagedFileError` when there are no statistics,
    or they were altered.
    """
    path = Path(root) / STATISTICS
    content = yaml.safe_load(read_listed(root, STATISTICS))
    try:
        return {
            name: FieldStatistics(
                **{
                    quantity: np.asarray(content[quantity][name], np.float64)
                    for quantity in _QUANTITIES
                    if name in content[quantity]
                }
            )
            for name in content["mean"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{path} is no file of statistics ({error!r}); call finish_dataset.") from error


def _moments(dataset: h5py.Dataset, order: int) -> tuple[Moments, Moments | None]:
    """Of the snapshots of a field, and of the change from each to the next; nothing if it is constant in time."""
    values, changes, previous = [], [], None
    for snapshot in snapshots(dataset):
        values.append(Moments.of(snapshot, order))
        if previous is not None:
            changes.append(Moments.of(snapshot.astype(np.float64) - previous, order))
        elif dataset.attrs["time_varying"] and dataset.shape[1] == 1:
            changes.append(Moments.of(np.zeros_like(snapshot), order))
        previous = snapshot
    return reduce(add, values), reduce(add, changes) if changes else None


def _statistics(values: Moments, changes: Moments | None) -> FieldStatistics:
    of_changes = () if changes is None else (changes.mean, changes.std, changes.rms)
    return FieldStatistics(values.mean, values.std, values.rms, *of_changes)


def _to_yaml(statistics: dict[str, FieldStatistics]) -> str:
    content = {
        quantity: {
            name: getattr(found, quantity).tolist()
            for name, found in statistics.items()
            if getattr(found, quantity) is not None
        }
        for quantity in _QUANTITIES
    }
    return yaml.safe_dump(content)
