"""The menu of mappings from computed tomography to acoustic maps."""

from typing import Any

from fieldcast.simulators.acoustics.bone_mappings import AubryPorosity, KPlan, McDannold, UniformBone
from fieldcast.simulators.acoustics.marsac_mueller import MarsacMueller
from fieldcast.simulators.acoustics.medium import Tissue
from fieldcast.simulators.acoustics.tissue_mapping import TissueMapping

MAPPINGS = (MarsacMueller, AubryPorosity, KPlan, McDannold, UniformBone)
"""All mappings that this version knows."""


def mapping_from(settings: dict[str, Any]) -> TissueMapping:
    """The mapping whose `settings` are given.

    **Raises:** `ValueError` when this version does not know it.
    """
    known = {mapping.__name__: mapping for mapping in MAPPINGS}
    settings = dict(settings)
    name = settings.pop("name")
    if name not in known:
        raise ValueError(f"There is no mapping named {name!r}; this version knows {sorted(known)}.")
    return known[name](**{key: _restored(value) for key, value in settings.items()})


def _restored(value: Any) -> Any:
    """A setting as it was before it went through JSON."""
    if isinstance(value, dict):
        return Tissue(**value)
    return tuple(value) if isinstance(value, list) else value
