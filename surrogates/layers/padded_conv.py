"""Convolutions that continue a field by zeros or periodically, axis by axis."""

import math

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.convolution import convolve
from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias


def per_axis(periodic: bool | tuple[bool, ...], num_spatial_dims: int) -> tuple[bool, ...]:
    """Which axes are periodic: one answer for all, or one an axis.

    **Raises:** `ValueError` when there are not as many answers as axes.
    """
    if isinstance(periodic, bool):
        return (periodic,) * num_spatial_dims
    if len(periodic) != num_spatial_dims:
        raise ValueError(f"Needed: one bool for all axes or {num_spatial_dims} bools, one an axis; got {periodic}.")
    return periodic


def wrap(x: Float[Array, "channel *space"], widths: tuple[int, ...]) -> Float[Array, "channel *padded"]:
    """Continue a field periodically by so many points on both sides of each axis."""
    return jnp.pad(x, ((0, 0), *((width, width) for width in widths)), mode="wrap")


def unwrap(x: Float[Array, "channel *padded"], widths: tuple[int, ...]) -> Float[Array, "channel *space"]:
    """The inverse of `wrap`."""
    return x[(slice(None), *(slice(width, n - width) for width, n in zip(widths, x.shape[1:], strict=True)))]


def padded_convolve(
    x: Float[Array, "in_channel *space"],
    weight: Float[Array, "out_channel in_channel *kernel"],
    periodic: tuple[bool, ...],
    stride: int = 1,
    dilation: int = 1,
) -> Float[Array, "out_channel *coarse"]:
    """Correlate a field with an odd kernel; outside the grid it is periodic along some axes and zero along the others.

    `y[o, n] = sum_{i, k} weight[o, i, k] x[i, stride n + dilation (k - (K - 1) / 2)]`

    **Arguments:**

    - `x`: a field on a grid of 1 to 3 axes.
    - `weight`: kernels of odd size along every axis.
    - `periodic`: one bool an axis.
    - `stride`: distance of the points that are kept.
    - `dilation`: distance of the points that a kernel sees.

    **Returns:** a field on a grid of `ceil(n / stride)` points an axis.
    """
    reaches = [dilation * (size // 2) for size in weight.shape[2:]]
    wrapped = tuple(reach if wraps else 0 for reach, wraps in zip(reaches, periodic, strict=True))
    if any(wrapped):
        x = wrap(x, wrapped)
    if weight.ndim == 5 and stride == dilation == 1:  # fast on a CPU, and worth computing the margins for
        return unwrap(convolve(x, weight), wrapped)
    zeros = [(reach - width,) * 2 for reach, width in zip(reaches, wrapped, strict=True)]
    dims = len(reaches)
    return lax.conv_general_dilated(x[None], weight, (stride,) * dims, zeros, rhs_dilation=(dilation,) * dims)[0]


class PaddedConv(eqx.Module):
    """A convolution with bias that keeps the grid (or every `stride`-th point), in 1, 2 or 3 dimensions.

    `y[o] = bias[o] + sum_i weight[o, i] * x[i]`

    With nothing but zeros beyond the grid its values are those of `equinox.nn.Conv` with padding `"SAME"`; in three
    dimensions on a CPU it is faster.

    **Arguments:**

    - `num_spatial_dims`: 1, 2 or 3.
    - `in_channels`, `out_channels`.
    - `kernel_size`: odd number of points along every axis.
    - `periodic`: whether the field goes on periodically beyond the grid instead of being zero there; one bool for all
      axes, or one an axis.
    - `stride`, `dilation`: as in `padded_convolve`.
    - `key`: for the initial values, uniform in `+-1 / sqrt(in_channels kernel_size^d)`.
    """

    weight: Float[Array, "out_channel in_channel *kernel"]
    bias: Float[Array, " out_channel"]
    periodic: tuple[bool, ...] = eqx.field(static=True)
    stride: int = eqx.field(static=True)
    dilation: int = eqx.field(static=True)

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        periodic: bool | tuple[bool, ...] = False,
        stride: int = 1,
        dilation: int = 1,
        key: PRNGKeyArray,
    ):
        if num_spatial_dims not in (1, 2, 3):
            raise ValueError(f"A convolution has 1, 2 or 3 spatial dimensions, got {num_spatial_dims}.")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"The kernel size must be odd, so that the kernel has a middle; got {kernel_size}.")
        shape = (out_channels, in_channels, *(kernel_size,) * num_spatial_dims)
        self.weight, self.bias = uniform_weight_and_bias(shape, math.prod(shape[1:]), key=key)
        self.periodic = per_axis(periodic, num_spatial_dims)
        self.stride = stride
        self.dilation = dilation

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *coarse"]:
        y = padded_convolve(x, self.weight, self.periodic, self.stride, self.dilation)
        return y + jnp.expand_dims(self.bias, range(1, y.ndim))
