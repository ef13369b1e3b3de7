"""Images on other grids."""

import numpy as np
from scipy import ndimage


def resample_image(
    values: np.ndarray, index_map: np.ndarray, shape: tuple[int, ...], *, outside: float, smooth: bool
) -> np.ndarray:
    """An image on another grid, by linear interpolation.

    With `smooth`, axes along which the new grid is coarser are first smoothed by a Gaussian with a standard deviation
    of half a new step: the least at which thin layers keep their mass to a few per cent wherever the points fall.

    **Arguments:**

    - `values`: the image.
    - `index_map`: the homogeneous matrix that takes an index of the new grid to a (fractional) index of the image.
    - `shape`: of the new grid.
    - `outside`: the value where the new grid leaves the image.
    """
    ndim = values.ndim
    matrix, offset = index_map[:ndim, :ndim], index_map[:ndim, ndim]
    if smooth:
        ratio = np.linalg.norm(matrix, axis=1)
        sigma = 0.5 * np.sqrt(np.maximum(ratio**2 - 1.0, 0.0))
        values = ndimage.gaussian_filter(values, np.where(ratio > 1.0 + 1e-6, sigma, 0.0), mode="nearest")
    # "grid-constant" blends into `outside` at the rim, so that rounding cannot push the outermost plane off the image.
    return ndimage.affine_transform(values, matrix, offset, shape, order=1, mode="grid-constant", cval=outside)
