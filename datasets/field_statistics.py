"""Mean and spread of every field of a dataset, and of its changes in time, over the training split.

Stored as The Well stores them (`stats.yaml`, read by its `ZScoreNormalization` and `RMSNormalization`): over all
samples, times and points, a number for a scalar field and a list of numbers for a vector field. A change is the
difference of two successive snapshots; a field of a single time has changes of zero, a field that is constant in time
has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import h5py
import numpy as np
import yaml
from jaxtyping import Float
from tqdm import tqdm

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.hdf5_layout import DamagedFileError, finished_file
from fieldcast.datasets.manifest_file import STATISTICS, data_files, read_listed


class Moments:
    """Count, mean and sum of squared deviations of numbers that come piece by piece.

    Two sets of numbers have together (Chan, Golub and LeVeque, 1983, doi:10.1080/00031305.1983.10483115)

        mean = mean_1 + n_2 / n (mean_2 - mean_1),   S = S_1 + S_2 + n_1 n_2 / n (mean_2 - mean_1)^2

    which loses no digits to cancellation, as the difference of two large moments does.
    """

    def __init__(self):
        self.count = 0
        self.mean = np.zeros(())
        self.squares = np.zeros(())

    def add(self, values: Float[np.ndarray, "point *component"]) -> None:
        values = values.astype(np.float64)
        number, mean = len(values), values.mean(axis=0)
        total, step = self.count + number, mean - self.mean
        self.squares = self.squares + ((values - mean) ** 2).sum(axis=0) + self.count * number / total * step**2
        self.mean = self.mean + number / total * step
        self.count = total

    @property
    def std(self) -> Float[np.ndarray, " *component"]:
        return np.sqrt(self.squares / max(self.count, 1))

    @property
    def rms(self) -> Float[np.ndarray, " *component"]:
        return np.sqrt(self.mean**2 + self.std**2)


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
            for name, dataset, order in _fields(file):
                _add(dataset, order, values.setdefault(name, Moments()), changes.setdefault(name, Moments()))
                if not dataset.attrs["time_varying"]:
                    del changes[name]
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


def _fields(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset, int]]:
    for order in range(3):
        group = file[f"t{order}_fields"]
        for name in group.attrs["field_names"]:
            yield name, group[name], order


def _add(dataset: h5py.Dataset, order: int, values: Moments, changes: Moments) -> None:
    """Add every snapshot of a field, and the change from each to the next."""
    for sample in range(len(dataset)):
        previous = None
        steps = range(dataset.shape[1]) if dataset.attrs["time_varying"] else [()]
        for step in steps:
            snapshot = dataset[(sample, *((step,) if step != () else ()))].astype(np.float64)
            snapshot = snapshot.reshape(-1, *snapshot.shape[snapshot.ndim - order :])
            values.add(snapshot)
            if previous is not None:
                changes.add(snapshot - previous)
            previous = snapshot


def _statistics(values: Moments, changes: Moments | None) -> FieldStatistics:
    if changes is None:
        return FieldStatistics(values.mean, values.std, values.rms)
    if changes.count == 0:
        zero = np.zeros_like(values.mean)
        return FieldStatistics(values.mean, values.std, values.rms, zero, zero, zero)
    return FieldStatistics(values.mean, values.std, values.rms, changes.mean, changes.std, changes.rms)


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
