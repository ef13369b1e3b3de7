"""Neural operators by their sizes: frozen recipes that a run can record and build again for the same flow.

Each recipe has the settings of its operator that do not follow from the flow: channels, axes and what is periodic are
those of the `FlowDomain`.
"""

import abc
from dataclasses import asdict, dataclass
from typing import Any

import jax.random as jrandom
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from fieldcast.surrogates.flow_domain import DomainAxis, FlowDomain
from fieldcast.surrogates.layers.axes import AbstractAxis, BoundedAxis, PeriodicAxis
from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.operators import (
    FFNO,
    FNO,
    IFNO,
    ClassicUNet,
    DilResNet,
    IFactFormer,
    InterpolatedUNet,
    LocalFNO,
    OFormer,
    SineNet,
    UNet,
    ViT,
)
from fieldcast.surrogates.wrappers import Model


@dataclass(frozen=True)
class OperatorRecipe(abc.ABC):
    """How a neural operator is built."""

    @abc.abstractmethod
    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> Model:
        """A fresh operator from `in_channels` to the components of the domain."""

    def to_json(self) -> dict[str, Any]:
        return {"operator": type(self).__name__, **asdict(self)}

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "OperatorRecipe":
        """**Raises:** `KeyError` when this version has no such recipe."""
        recipes = {recipe.__name__: recipe for recipe in OperatorRecipe.__subclasses__()}
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items() if k != "operator"}
        return recipes[stored["operator"]](**settings)


@dataclass(frozen=True)
class FNORecipe(OperatorRecipe):
    """`FNO`; `modes` along every axis, as far as the grid has them; axes with ends get room beside the domain."""

    modes: int = 16
    width: int = 32
    num_layers: int = 4
    hidden_width: int = 128
    padding: float = 0.125

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> FNO:
        modes, padding = _modes(domain, self.modes), _padding(domain, self.padding)
        sizes = self.width, self.num_layers, self.hidden_width
        return FNO(in_channels, len(domain.components), modes, *sizes, padding=padding, key=key)


@dataclass(frozen=True)
class IFNORecipe(OperatorRecipe):
    """`IFNO`; `modes` and `padding` as for `FNORecipe`."""

    modes: int = 16
    width: int = 32
    num_iterations: int = 10
    hidden_width: int = 128
    padding: float = 0.125

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> IFNO:
        modes, padding = _modes(domain, self.modes), _padding(domain, self.padding)
        sizes = self.width, self.num_iterations, self.hidden_width
        return IFNO(in_channels, len(domain.components), modes, *sizes, padding=padding, key=key)


@dataclass(frozen=True)
class IFactFormerRecipe(OperatorRecipe):
    """`IFactFormer` with the quadrature of the domain's axes: side by side (-m), or `chained` (-o)."""

    width: int = 32
    num_heads: int = 3
    num_iterations: int = 6
    chained: bool = False

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> IFactFormer:
        sizes = self.width, self.num_heads, self.num_iterations
        return IFactFormer(in_channels, len(domain.components), _axes(domain), *sizes, self.chained, key=key)


@dataclass(frozen=True)
class SineNetRecipe(OperatorRecipe):
    """`SineNet`; `circular`: whether all axes are padded as periodic ones; by default those that are."""

    num_waves: int = 4
    width: int = 32
    multiplier: float = 1.425
    num_levels: int = 4
    circular: bool | None = None

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> SineNet:
        sizes = self.num_waves, self.width, self.multiplier, self.num_levels
        periodic = domain.periodic if self.circular is None else self.circular
        dims = len(domain.axes)
        return SineNet(in_channels, len(domain.components), dims, *sizes, periodic=periodic, key=key)


@dataclass(frozen=True)
class UNetRecipe(OperatorRecipe):
    """`UNet`; `circular` as for `SineNetRecipe`."""

    width: int = 32
    multipliers: tuple[int, ...] = (1, 2, 2, 4)
    num_blocks: int = 2
    kernel_size: int = 3
    circular: bool | None = None

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> UNet:
        sizes = self.width, self.multipliers, self.num_blocks, self.kernel_size
        periodic = domain.periodic if self.circular is None else self.circular
        return UNet(in_channels, len(domain.components), len(domain.axes), *sizes, periodic=periodic, key=key)


@dataclass(frozen=True)
class InterpolatedUNetRecipe(OperatorRecipe):
    """`InterpolatedUNet`: a U-Net whose kernels follow the grid; the training grid is their reference."""

    width: int = 32
    multipliers: tuple[int, ...] = (1, 2, 2, 4)
    num_blocks: int = 2
    kernel_size: int = 3

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> InterpolatedUNet:
        unet = UNetRecipe(self.width, self.multipliers, self.num_blocks, self.kernel_size)
        return InterpolatedUNet(unet.build(domain, in_channels, key=key), domain.shape[0])


@dataclass(frozen=True)
class ClassicUNetRecipe(OperatorRecipe):
    """`ClassicUNet`."""

    width: int = 32
    num_levels: int = 4

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> ClassicUNet:
        sizes, dims = (self.width, self.num_levels), len(domain.axes)
        return ClassicUNet(in_channels, len(domain.components), dims, *sizes, periodic=domain.periodic, key=key)


@dataclass(frozen=True)
class DilResNetRecipe(OperatorRecipe):
    """`DilResNet`."""

    width: int = 32
    num_blocks: int = 4

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> DilResNet:
        sizes, dims = (self.width, self.num_blocks), len(domain.axes)
        return DilResNet(in_channels, len(domain.components), dims, *sizes, periodic=domain.periodic, key=key)


@dataclass(frozen=True)
class FFNORecipe(OperatorRecipe):
    """`FFNO`; `modes` as far as the axis with the fewest points has them."""

    modes: int = 16
    width: int = 32
    num_layers: int = 8
    shared: bool = False

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> FFNO:
        sizes = min(self.modes, min(domain.shape) // 2), self.width, self.num_layers, self.shared
        return FFNO(in_channels, len(domain.components), len(domain.axes), *sizes, key=key)


@dataclass(frozen=True)
class LocalFNORecipe(OperatorRecipe):
    """`LocalFNO`: with local integrals over `radius` (as a part of the first axis) in every layer, or, where the radius
    is zero, with differences in the last one.
    """

    modes: int = 16
    width: int = 32
    num_layers: int = 4
    radius: float = 0.0
    hidden_width: int = 128
    padding: float = 0.125

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> LocalFNO:
        key, *keys = jrandom.split(key, self.num_layers + 1)
        dims, width, periodic = len(domain.axes), self.width, domain.periodic
        if self.radius > 0:
            local = [LocalIntegralConv(dims, width, width, self.radius, periodic=periodic, key=k) for k in keys]
        else:
            last = DifferentialConv(dims, width, width, domain.shape[0], periodic, key=keys[-1])
            local = [None] * (self.num_layers - 1) + [last]
        sizes = _modes(domain, self.modes), local, width, self.hidden_width
        padding = _padding(domain, self.padding)
        return LocalFNO(in_channels, len(domain.components), *sizes, padding=padding, key=key)


@dataclass(frozen=True)
class OFormerRecipe(OperatorRecipe):
    """`OFormer` with the quadrature of the domain's axes."""

    modes: int = 16
    width: int = 48
    num_heads: int = 4
    num_layers: int = 4

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> OFormer:
        sizes = _modes(domain, self.modes), self.width, self.num_heads, self.num_layers
        return OFormer(in_channels, len(domain.components), _axes(domain), *sizes, key=key)


@dataclass(frozen=True)
class ViTRecipe(OperatorRecipe):
    """`ViT`, for the grid of the domain: `patch_size` divides its points."""

    patch_size: int = 4
    width: int = 96
    num_layers: int = 4
    num_heads: int = 4
    hidden_width: int = 192

    def build(self, domain: FlowDomain, in_channels: int, *, key: PRNGKeyArray) -> ViT:
        if any(n % self.patch_size for n in domain.shape):
            raise ValueError(f"A grid of {domain.shape} points cannot be cut into patches of {self.patch_size} a side.")
        patches = tuple(n // self.patch_size for n in domain.shape)
        return ViT(
            in_channels,
            len(domain.components),
            patches,
            self.patch_size,
            width=self.width,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            hidden_width=self.hidden_width,
            key=key,
        )


@dataclass(frozen=True)
class _Stretched:
    """From [0, 1] to an axis, through the points of the training data."""

    points: tuple[float, ...]

    def __call__(self, share: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
        return np.interp(share, np.linspace(0.0, 1.0, len(self.points)), self.points)


def _axes(domain: FlowDomain) -> tuple[AbstractAxis, ...]:
    def quadrature(axis: DomainAxis) -> AbstractAxis:
        return PeriodicAxis(axis.length) if axis.periodic else BoundedAxis(_Stretched(axis.points))

    return tuple(quadrature(axis) for axis in domain.axes)


def _modes(domain: FlowDomain, modes: int) -> tuple[int, ...]:
    return tuple(min(modes, n) for n in domain.shape)


def _padding(domain: FlowDomain, fraction: float) -> DomainPadding | None:
    if all(domain.periodic):
        return None
    return DomainPadding(tuple(0.0 if periodic else fraction for periodic in domain.periodic))
