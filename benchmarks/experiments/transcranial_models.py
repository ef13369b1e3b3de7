"""Contenders of the transcranial experiment: DeepTFUS, its ablations, plain networks, remedies for the focus."""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.deeptfus import Conditioning, Prediction
from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.patches import from_patches, to_patches
from fieldcast.surrogates.losses import AmplitudeLoss, Loss, PeakWeightedError, SoftArgmaxError, SumOfLosses
from fieldcast.surrogates.operators import FNO
from fieldcast.surrogates.phase_model import PhaseConditioned
from fieldcast.surrogates.pressure_model import (
    Channel,
    FreeFieldConditioned,
    ModelInput,
    PatchedNetwork,
    PressureModel,
    TransducerConditioned,
    ct_channel,
    free_field_channel,
)


@dataclass(frozen=True)
class NetworkSize:
    """Sizes that all contenders share.

    - `base_width`, `num_levels`, `patch_size`: of DeepTFUS and the U-Net.
    - `fno_width`, `fno_modes`: of the FNO, on the same patches.
    - `soft_argmax`: weight of the squared distance of the soft peaks, in squared grid steps.
    """

    base_width: int = 16
    num_levels: int = 3
    patch_size: int = 2
    fno_width: int = 16
    fno_modes: int = 12
    soft_argmax: float = 2e-4

    def deeptfus(
        self, in_channels: int, out_channels: int, conditioning: Conditioning, key: PRNGKeyArray
    ) -> PatchedNetwork:
        sizes = self.patch_size, self.base_width, self.num_levels
        return PatchedNetwork(3, in_channels, out_channels, *sizes, conditioning, key=key)


@dataclass(frozen=True)
class Variant:
    """A contender.

    - `build`: makes it, of a size, from a key.
    - `sees`: its inputs.
    """

    build: Callable[[NetworkSize, PRNGKeyArray], PressureModel]
    sees: str


class PatchedFNO(eqx.Module):
    """An FNO on patches; the mean of its last channel over the grid is the scale."""

    operator: FNO
    patch_size: int = eqx.field(static=True)

    def __init__(self, size: NetworkSize, in_channels: int, key: PRNGKeyArray):
        points, modes = size.patch_size**3, (size.fno_modes,) * 3
        sizes = modes, size.fno_width, 4, 64
        padding = DomainPadding((0.125,) * 3)
        self.operator = FNO(points * in_channels, points + 1, *sizes, padding=padding, key=key)
        self.patch_size = size.patch_size

    def __call__(self, volume: Float[Array, "channel *space"], points: Float[Array, "point axis"]) -> Prediction:
        answer = self.operator(to_patches(volume, self.patch_size))
        return Prediction(from_patches(answer[:-1], self.patch_size), jnp.mean(answer[-1]))


def distance_channel(inputs: ModelInput) -> Float[Array, "*space"]:
    """Distance to the nearest point of the transducer, in half sides of the (cubic) grid."""
    places = jnp.stack(jnp.meshgrid(*(jnp.linspace(-1.0, 1.0, n) for n in inputs.hounsfield.shape), indexing="ij"))

    def nearer(nearest: Array, point: Array) -> tuple[Array, None]:
        return jnp.minimum(nearest, jnp.sum((places - point[:, None, None, None]) ** 2, axis=0)), None

    farthest = jnp.full(places.shape[1:], jnp.inf, places.dtype)
    nearest, _ = jax.lax.scan(nearer, farthest, jnp.asarray(inputs.points, places.dtype))
    return jnp.sqrt(nearest)


def _published(
    conditioning: Conditioning = Conditioning(),
    loss: Callable[[NetworkSize], Loss] = lambda size: PeakWeightedError(),
    channels: tuple[Channel, ...] = (ct_channel,),
) -> Callable[[NetworkSize, PRNGKeyArray], PressureModel]:
    def build(size: NetworkSize, key: PRNGKeyArray) -> PressureModel:
        return TransducerConditioned(size.deeptfus(len(channels), 1, conditioning, key), loss(size), channels)

    return build


def _fno(size: NetworkSize, key: PRNGKeyArray) -> PressureModel:
    return TransducerConditioned(PatchedFNO(size, 2, key), channels=(ct_channel, distance_channel))


_ON_THE_GRID = PeakWeightedError(alpha=2.0)


def _physics(
    form: type[FreeFieldConditioned] | type[PhaseConditioned],
    region: Loss | None = None,
) -> Callable[[NetworkSize, PRNGKeyArray], PressureModel]:
    channels = (4, 6) if form is PhaseConditioned else (2, 2)

    def build(size: NetworkSize, key: PRNGKeyArray) -> PressureModel:
        network = size.deeptfus(*channels, Conditioning(), key)
        return form(network, AmplitudeLoss(_ON_THE_GRID, region, peak_weight=0.003))

    return build


def _published_with_soft_peak(size: NetworkSize) -> Loss:
    return SumOfLosses((PeakWeightedError(), SoftArgmaxError()), (1.0, size.soft_argmax))


PUBLISHED, PHYSICS, PHASE = "DeepTFUS", "free field corrected", "complex free field corrected"
UNET, FNO_BASELINE = "plain U-Net", "FNO"

_POINTS = "CT, transducer points"
_FREE = "CT, transducer points, free field"
_MAP = "CT, distance to the transducer"

VARIANTS: dict[str, Variant] = {
    PUBLISHED: Variant(_published(), _POINTS),
    "without FiLM": Variant(_published(Conditioning(film=False)), _POINTS),
    "without dynamic convolution": Variant(_published(Conditioning(dynamic_convolution=False)), _POINTS),
    "without cross-attention": Variant(_published(Conditioning(cross_attention=False)), _POINTS),
    "without weighted loss": Variant(_published(loss=lambda size: PeakWeightedError(alpha=0.0)), _POINTS),
    UNET: Variant(_published(Conditioning(False, False, False), channels=(ct_channel, distance_channel)), _MAP),
    FNO_BASELINE: Variant(_fno, _MAP),
    "soft peak": Variant(_published(loss=_published_with_soft_peak), _POINTS),
    "free field as a channel": Variant(_published(channels=(ct_channel, free_field_channel)), _FREE),
    PHYSICS: Variant(_physics(FreeFieldConditioned), _FREE),
    f"{PHYSICS}, loss near the focus": Variant(_physics(FreeFieldConditioned, PeakWeightedError()), _FREE),
    PHASE: Variant(_physics(PhaseConditioned), _FREE),
}
"""Every contender by its name."""

ABLATIONS = tuple(name for name in VARIANTS if name.startswith("without"))

REMEDIES: dict[str, str] = {
    "soft peak": PUBLISHED,
    "free field as a channel": PUBLISHED,
    PHYSICS: PUBLISHED,
    f"{PHYSICS}, loss near the focus": PHYSICS,
    PHASE: PHYSICS,
}
"""What might bring the focal error down, and what it is added to."""
