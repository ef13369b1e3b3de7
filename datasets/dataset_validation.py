"""Whether a dataset is all that it claims to be, and what is in it."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from fieldcast.datasets.field_statistics import FieldStatistics, read_statistics
from fieldcast.datasets.file_validation import FieldSummary, FileSummary, validate_files
from fieldcast.datasets.manifest import check_manifest
from fieldcast.datasets.manifest_file import MANIFEST, RECIPE, STATISTICS, Manifest, data_files, parse_json


@dataclass(frozen=True)
class DatasetSummary:
    """What is in a dataset.

    - `first`: its first file; all others have its kind, axes, fields, parameters and units.
    - `places`: least and greatest coordinate along every axis, and unit.
    - `numbers`, `sizes` [bytes]: of the files of each split.
    - `fields`: over all files.
    - `parameters`: least and greatest value, and unit.
    - `versions`: of the library that wrote the files.
    - `recipe`, `manifest`, `statistics`: nothing where there is none.
    """

    first: FileSummary
    places: dict[str, tuple[float, float, str]]
    numbers: dict[str, int]
    sizes: dict[str, int]
    fields: dict[str, FieldSummary]
    parameters: dict[str, tuple[float, float, str]]
    versions: tuple[str, ...]
    recipe: dict[str, Any] | None
    manifest: Manifest | None
    statistics: dict[str, FieldStatistics] | None


def validate_dataset(root: Path) -> DatasetSummary:
    """Check every file of a dataset, that they belong together, and that its manifest is true.

    A dataset without a manifest, whose generation has not ended, is checked file by file.

    **Raises:** `FileNotFoundError` and `DamagedFileError` as `validate_files` and `check_manifest`.
    """
    root = Path(root)
    manifest = check_manifest(root) if (root / MANIFEST).exists() else None
    found = validate_files(root)
    splits = dict(data_files(root))
    sizes: Counter[str] = Counter()
    for name, summary in found.items():
        sizes[splits[name]] += summary.size
    files = list(found.values())
    return DatasetSummary(
        first=files[0],
        places={name: _range([(x, unit) for file in files for x, unit in _ends(file, name)]) for name in files[0].axes},
        numbers=dict(Counter(splits[name] for name in found)),
        sizes=dict(sizes),
        fields={name: _merged([file.fields[name] for file in files]) for name in files[0].fields},
        parameters={name: _range([file.parameters[name] for file in files]) for name in files[0].parameters},
        versions=tuple(sorted({file.version for file in files})),
        recipe=parse_json(root / RECIPE) if (root / RECIPE).exists() else None,
        manifest=manifest,
        statistics=read_statistics(root) if manifest is not None and STATISTICS in manifest.files else None,
    )


def _merged(fields: list[FieldSummary]) -> FieldSummary:
    return replace(fields[0], moments=reduce(add, (field.moments for field in fields)))


def _ends(file: FileSummary, axis: str) -> list[tuple[float, str]]:
    _, first, last, unit = file.axes[axis]
    return [(first, unit), (last, unit)]


def _range(quantities: list[tuple[float, str]]) -> tuple[float, float, str]:
    values = [value for value, _ in quantities]
    return min(values), max(values), quantities[0][1]
