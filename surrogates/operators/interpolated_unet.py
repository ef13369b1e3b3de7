"""The U-Net as an operator between functions: its kernels follow the grid."""

import equinox as eqx
import jax
from jaxtyping import Array, Float

from fieldcast.surrogates.layers.kernel_interpolation import interpolated_kernel
from fieldcast.surrogates.layers.padded_conv import PaddedConv
from fieldcast.surrogates.layers.transposed_conv import TransposedConv
from fieldcast.surrogates.operators.unet import UNet


class InterpolatedUNet(eqx.Module):
    """A U-Net for grids of any density, with the weights of one for a reference grid.

    On a grid `s` times as dense as the reference every kernel is interpolated to `k' = s (k - 1) + 1` points and
    scaled by `(k / k')^d`, so that it has the same width in the domain; before a transposed convolution the field is
    taken to the density of the reference, and back after it. On the reference grid it is the U-Net itself. Gradients
    pass through the interpolation, so it may be trained on several resolutions at once.

    **Arguments:**

    - `unet`: a U-Net; make it periodic where the fields are.
    - `reference_points`: points of the reference grid along the first axis. Densities change along all axes alike.

    The cost grows with `s^(2 d)`: kernels grow with the grid.

    **Raises:** `ValueError` when a kernel would have an even number of points, as those of three points have on a grid
    half as dense, or when the grid does not fit the U-Net.

    Berner et al. 2025, arXiv:2506.10973.
    """

    unet: UNet
    reference_points: int = eqx.field(static=True)

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        scale = u.shape[1] / self.reference_points

        def adapted(layer):
            if isinstance(layer, PaddedConv):
                return eqx.tree_at(lambda conv: conv.weight, layer, interpolated_kernel(layer.weight, scale))
            return AtReferenceDensity(layer, scale) if isinstance(layer, TransposedConv) else layer

        return jax.tree.map(adapted, self.unet, is_leaf=lambda node: isinstance(node, PaddedConv | TransposedConv))(u)


class AtReferenceDensity(eqx.Module):
    """A layer applied to a field that is made `scale` times less dense, with its answer made denser again."""

    layer: TransposedConv
    scale: float = eqx.field(static=True)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *fine"]:
        coarse = self._resized(x, tuple(round(n / self.scale) for n in x.shape[1:]))
        return self._resized(self.layer(coarse), tuple(2 * n for n in x.shape[1:]))

    def _resized(self, x: Array, grid: tuple[int, ...]) -> Array:
        """Linear between the centres of the cells."""
        if grid == x.shape[1:]:
            return x
        return jax.image.resize(x, (x.shape[0], *grid), "linear", antialias=False)
