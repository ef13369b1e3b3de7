"""Values of attributes, as they lie in a file and as Python has them."""

import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from fieldcast.datasets.layout import ValueType


def stored(type: ValueType, value: Any) -> Any:
    """A value as h5py takes it, of the type that the layout says."""
    return _STORED[type](value)


def restored(type: ValueType, value: Any) -> Any:
    """What h5py read, in plain Python types; JSON stays text.

    **Raises:** `ValueError` when it is not of this type, or a number is not finite.
    """
    if not _IS_OF_TYPE[type](value):
        raise ValueError(f"{value!r}, expected a {type.value}")
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, np.floating) and bool(np.isfinite(value))


def _is_flag(value: Any) -> bool:
    return isinstance(value, np.bool_)


def _is_json(value: Any) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except (TypeError, ValueError, RecursionError):
        return False


def _list_of(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, np.ndarray) and value.ndim == 1 and all(is_one(one) for one in value)


_STORED: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: str,
    ValueType.TEXTS: lambda texts: np.array(list(texts), h5py.string_dtype()),
    ValueType.JSON: json.dumps,
    ValueType.INTEGER: np.int64,
    ValueType.NUMBER: np.float64,
    ValueType.NUMBERS: lambda numbers: np.asarray(numbers, np.float64),
    ValueType.FLAG: np.bool_,
    ValueType.FLAGS: lambda flags: np.asarray(flags, bool),
}

_IS_OF_TYPE: dict[ValueType, Callable[[Any], bool]] = {
    ValueType.TEXT: _is_text,
    ValueType.TEXTS: _list_of(_is_text),
    ValueType.JSON: _is_json,
    ValueType.INTEGER: lambda value: isinstance(value, np.integer),
    ValueType.NUMBER: _is_number,
    ValueType.NUMBERS: _list_of(_is_number),
    ValueType.FLAG: _is_flag,
    ValueType.FLAGS: _list_of(_is_flag),
}
