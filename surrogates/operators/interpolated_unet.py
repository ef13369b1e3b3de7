"""The U-Net as an operator between functions: its kernels follow the grid."""

import equinox as eqx
import jax
from jaxtyping import Array, Float

from fieldcast.surrogates.layers.interpolated_conv import InterpolatedConv
from fieldcast.surrogates.layers.padded_conv import PaddedConv
from fieldcast.surrogates.layers.resample import cell_resample
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

    On grids that are denser by a whole number the cost of a point is that of the U-Net, on others `s^d` times that.

    **Raises:** `ValueError` when the grid, or the reference grid, does not fit the U-Net.

    Berner et al. 2025, arXiv:2506.10973.
    """

    unet: UNet
    reference_points: int = eqx.field(static=True)

    def __check_init__(self):
        factor = 2 ** (len(self.unet.down) - 1)
        if self.reference_points % factor:
            raise ValueError(
                f"The U-Net halves its grid down to 1 / {factor}, so the points of the reference grid must be "
                f"divisible by {factor}, got {self.reference_points}."
            )

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        scale = u.shape[1] / self.reference_points

        def adapted(layer):
            if isinstance(layer, PaddedConv):
                return InterpolatedConv(layer, scale)
            return AtReferenceDensity(layer, scale) if isinstance(layer, TransposedConv) else layer

        return jax.tree.map(adapted, self.unet, is_leaf=lambda node: isinstance(node, PaddedConv | TransposedConv))(u)


class AtReferenceDensity(eqx.Module):
    """A layer applied to a field that is made `scale` times less dense, with its answer made denser again."""

    layer: TransposedConv
    scale: float = eqx.field(static=True)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *fine"]:
        grid, periodic = x.shape[1:], self.layer.periodic
        coarse = cell_resample(x, tuple(round(n / self.scale) for n in grid), periodic)
        return cell_resample(self.layer(coarse), tuple(2 * n for n in grid), periodic)
