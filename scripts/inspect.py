"""`fieldcast inspect`: check a data file or a dataset, and say what is in it."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import tyro

from fieldcast.datasets.dataset_validation import DatasetSummary, validate_dataset
from fieldcast.datasets.file_validation import FieldSummary, FileSummary, validate_file
from fieldcast.datasets.manifest_file import SPLITS, data_files
from fieldcast.scripts.report import markdown_table
from fieldcast.scripts.sample_pictures import draw_sample


def inspect(path: tyro.conf.Positional[Path], pictures: Path | None = None) -> None:
    """Check a data file, or a dataset with all its files, and say what is in it; fails if anything is wrong.

    Args:
        path: A data file, or the folder of a dataset.
        pictures: Folder for pictures of the file, or of the first sample of each split.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if path.is_dir():
        print("\n\n".join(_describe_dataset(path, validate_dataset(path))))
        first = {split: path / name for name, split in reversed(list(data_files(path)))}
        drawn = [first[split] for split in SPLITS if split in first]
    else:
        print("\n\n".join(_describe_file(path, validate_file(path))))
        drawn = [path]
    if pictures is not None:
        for sample in drawn:
            print(f"picture: {draw_sample(sample, pictures)}")


def _describe_file(path: Path, found: FileSummary) -> Iterable[str]:
    yield f"{path}: a {found.kind}, whole and undamaged, {_size(found.size)}"
    ends = {name: (first, last, unit) for name, (_, first, last, unit) in found.axes.items()}
    rows = [["dataset", found.name], *_axes(found, ends), ["written by", f"fieldcast {found.version}"]]
    yield _table([*rows, *_origin(found)])
    yield _fields(found.fields, list(ends))
    rows = [[name, f"{value:.6g}", unit] for name, (value, unit) in found.parameters.items()]
    yield markdown_table(["parameter", "value", "unit"], rows)


def _describe_dataset(root: Path, found: DatasetSummary) -> Iterable[str]:
    number = sum(found.numbers.values())
    yield f"{root}: {number} {'file' if number == 1 else 'files'}, whole, undamaged and of one form"
    rows = [[split, str(found.numbers[split]), _size(found.sizes[split])] for split in SPLITS if split in found.numbers]
    yield markdown_table(["split", found.first.kind, "size"], rows)
    yield _table(
        [
            ["dataset", found.first.name],
            *_axes(found.first, found.places),
            ["written by", "fieldcast " + ", ".join(found.versions)],
            ["recipe", _recipe(found.recipe)],
            ["manifest", "none: its generation has not ended" if found.manifest is None else "agrees with every file"],
            ["statistics", "none" if found.statistics is None else "agree with the manifest"],
        ]
    )
    yield _fields(found.fields, list(found.places))
    rows = [[name, f"{low:.6g}", f"{high:.6g}", unit] for name, (low, high, unit) in found.parameters.items()]
    yield markdown_table(["parameter", "least", "greatest", "unit"], rows)


def _recipe(recipe: dict[str, Any] | None) -> str:
    if recipe is None:
        return "none"
    return f"{recipe.get('recipe', 'without a name')}, hash {recipe['hash']}"


def _axes(found: FileSummary, places: dict[str, tuple[float, float, str]]) -> list[list[str]]:
    number, first, last, unit = found.times
    rows = [["times", f"{number}, {first:.6g} to {last:.6g}{_unit(unit)}"]]
    for name, (low, high, unit) in places.items():
        rows.append([name, f"{found.axes[name][0]} points, {low:.6g} to {high:.6g}{_unit(unit)}"])
    return rows


def _origin(found: FileSummary) -> list[list[str]]:
    """What the provenance says in few words; solver and settings are in the file."""
    short = {"recipe": "recipe", "recipe_hash": "hash of the recipe", "index": "index", "device": "device"}
    return [[title, str(found.provenance[name])] for name, title in short.items() if name in found.provenance]


def _fields(fields: dict[str, FieldSummary], axes: list[str]) -> str:
    """A table with a row for each component of each field."""
    rows = []
    for name, field in fields.items():
        moments = field.moments
        components = zip(moments.minimum.flat, moments.mean.flat, moments.maximum.flat, moments.std.flat, strict=True)
        for directions, numbers in zip(product(axes, repeat=field.order), components, strict=True):
            title = " ".join([name, *directions])
            varying = "" if field.time_varying else "constant"
            rows.append([title, *(f"{number:.4g}" for number in numbers), field.unit, varying])
    return markdown_table(["field", "min", "mean", "max", "std", "unit", "in time"], rows)


def _table(rows: list[list[str]]) -> str:
    width = max(len(title) for title, _ in rows)
    return "\n".join(f"{title.ljust(width)}  {text}" for title, text in rows)


def _size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.2f} MB"


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"
