"""How a pressure model is built, in a form that a checkpoint can record."""

from dataclasses import dataclass
from typing import Any

from jaxtyping import PRNGKeyArray

from fieldcast.surrogates.deeptfus import Conditioning
from fieldcast.surrogates.pressure_model import (
    FreeFieldConditioned,
    PatchedNetwork,
    PressureModel,
    TransducerConditioned,
)


@dataclass(frozen=True)
class ModelRecipe:
    """Which form of DeepTFUS, and its size.

    **Arguments:**

    - `free_field`: the physics-conditioned form, which also receives the free field; else the published form.
    - `base_width`: channels of the finest level; every coarser level has twice as many.
    - `num_levels`: resolutions, the bottleneck included.
    - `patch_size`: points a side of the cubes that the finest level works on; 1 for the published form.
    - `num_points`: points that stand for the transducer's surface.
    - `conditioning`: which of the paper's conditioning paths are present.
    """

    free_field: bool = True
    base_width: int = 16
    num_levels: int = 4
    patch_size: int = 1
    num_points: int = 128
    conditioning: Conditioning = Conditioning()

    def build(self, num_spatial_dims: int, *, key: PRNGKeyArray) -> PressureModel:
        """A fresh model."""
        network = PatchedNetwork(
            num_spatial_dims,
            in_channels=2 if self.free_field else 1,
            out_channels=2 if self.free_field else 1,
            patch_size=self.patch_size,
            base_width=self.base_width,
            num_levels=self.num_levels,
            conditioning=self.conditioning,
            key=key,
        )
        return FreeFieldConditioned(network) if self.free_field else TransducerConditioned(network)

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "ModelRecipe":
        return ModelRecipe(**{**stored, "conditioning": Conditioning(**stored["conditioning"])})
