"""Recipes and solvers as plain data (JSON), and back."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import numpy as np


def to_plain(value: Any) -> Any:
    """A dataclass of settings as dictionaries, lists, numbers and strings; each dictionary names its class.

    **Raises:** `TypeError` for what is no settings, such as an array.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.integer | np.floating):
        return value.item()
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, dict) and all(isinstance(name, str) and name != _CLASS for name in value):
        return {name: to_plain(item) for name, item in value.items()}
    if isinstance(value, Path):
        # A plan is carried out from other folders than the one it was made in.
        return {_CLASS: "pathlib:Path", "path": str(value.absolute())}
    if isinstance(value, type):
        return {_CLASS: "type", "name": _name(value)}
    if dataclasses.is_dataclass(value):
        fields = {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
        return {_CLASS: _name(type(value)), **fields}
    raise TypeError(f"A {type(value).__name__} cannot be written as plain data.")


def from_plain(plain: Any) -> Any:
    """What `to_plain` was given; lists come back as tuples.

    It imports the modules that `plain` names and makes dataclasses of theirs: read no plans of strangers.

    **Raises:** `ValueError` when a class is not found, or is no dataclass.
    """
    if isinstance(plain, list):
        return tuple(from_plain(item) for item in plain)
    if not isinstance(plain, dict):
        return plain
    items = {name: from_plain(item) for name, item in plain.items() if name != _CLASS}
    match plain.get(_CLASS):
        case None:
            return items
        case "pathlib:Path":
            return Path(items["path"])
        case "type":
            return _found(items["name"])
        case name:
            cls = _found(name)
            if not dataclasses.is_dataclass(cls):
                raise ValueError(f"{name} is not a dataclass, and nothing that a plan can consist of.")
            return cls(**items)


_CLASS = "class"


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _found(name: str) -> type:
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{name} is not found here ({error}); the plan was written by another program.") from error
    if not isinstance(found, type):
        raise ValueError(f"{name} is not a class.")
    return found
