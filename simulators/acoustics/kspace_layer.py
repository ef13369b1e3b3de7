"""The absorbing boundary layer of the time-domain k-space scheme."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.fft
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.grid import Grid


class PerfectlyMatchedLayer(eqx.Module):
    """Split-field perfectly matched layer: each component is damped along its own axis, twice per time step, by

        exp(-strength (c_ref / dx) s^4 dt / 2),   s = depth in the layer / size of the layer

    **Arguments:**

    - `size`: points of the layer at each end of each axis; one number for all axes or one for each. `None` with
      `outside` takes `smallest`, and as many more as bring the grid to a length that suits the FFT.
    - `strength`: absorption [Np per grid point].
    - `outside`: add the layer around the grid (the medium goes on as at its edge), instead of using the grid's own
      outermost points.
    - `smallest`: fewest points of a layer whose size is left open.

    Source: Tabei, Mast and Waag, JASA 111, 2002, doi:10.1121/1.1421344; Treeby and Cox, J. Biomed. Opt. 15(2), 2010,
    doi:10.1117/1.3360308.
    """

    size: int | tuple[int, ...] | None = eqx.field(static=True, default=None)
    strength: float = eqx.field(static=True, default=2.0)
    outside: bool = eqx.field(static=True, default=True)
    smallest: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        sizes = self.size if isinstance(self.size, tuple) else (self.size,)
        if any(size is not None and size < 0 for size in sizes):
            raise ValueError(f"The size of the boundary layer must be at least 0 points, got {self.size}.")
        if self.size is None and not self.outside:
            raise ValueError("A boundary layer inside the grid needs its size in points, got size=None.")
        if not self.strength >= 0:
            raise ValueError(f"The strength of the boundary layer must be at least 0, got {self.strength}.")

    def padding(self, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
        """Points added before and after each axis of a grid of this `shape`."""
        if not self.outside:
            return ((0, 0),) * len(shape)
        if self.size is not None:
            return tuple((size, size) for size in self._sizes(len(shape)))
        totals = [scipy.fft.next_fast_len(n + 2 * self.smallest, real=True) for n in shape]
        low = [(total - n) // 2 for total, n in zip(totals, shape, strict=True)]
        return tuple((before, total - n - before) for before, total, n in zip(low, totals, shape, strict=True))

    def interior(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Where the grid of this `shape` lies within the grid with its layer."""
        return tuple(slice(low, low + n) for (low, _), n in zip(self.padding(shape), shape, strict=True))

    def surround_grid(self, grid: Grid) -> Grid:
        """The grid with its layer."""
        padding = self.padding(grid.shape)
        origin = tuple(x - low * grid.spacing for x, (low, _) in zip(grid.origin, padding, strict=True))
        shape = tuple(n + low + high for n, (low, high) in zip(grid.shape, padding, strict=True))
        return Grid(shape, grid.spacing, origin)

    def surround(self, medium: Medium) -> Medium:
        """The medium on the grid with its layer."""
        padding = self.padding(medium.grid.shape)

        def extend(values):
            return None if values is None else jnp.pad(values, padding, mode="edge")

        return Medium(
            extend(medium.sound_speed),
            extend(medium.density),
            extend(medium.attenuation),
            medium.attenuation_power,
            self.surround_grid(medium.grid),
            extend(medium.nonlinearity),
        )

    def damping(
        self, shape: tuple[int, ...], courant: Float[Array, ""], *, staggered: bool
    ) -> tuple[Float[Array, "..."], ...]:
        """Damping factor along each axis, shaped to broadcast against the field.

        **Arguments:**

        - `shape`: points of the grid without its layer.
        - `courant`: `c_ref dt / dx`.
        - `staggered`: at points half a spacing further along the axis.
        """
        padding = self.padding(shape)
        sizes = tuple(low for low, _ in padding) if self.outside else self._sizes(len(shape))
        factors = []
        for axis, (n, (low, high), size) in enumerate(zip(shape, padding, sizes, strict=True)):
            total = n + low + high
            if 2 * size >= total:
                raise ValueError(
                    f"A boundary layer of {size} points at both ends leaves nothing of axis {axis} with {total} "
                    "points; use a smaller layer, a larger grid or outside=True."
                )
            profile = _quartic_profile(total, size, 0.5 if staggered else 0.0)
            factor = jnp.exp(jnp.asarray(profile, courant.dtype) * (-0.5 * self.strength * courant))
            factors.append(factor.reshape(tuple(-1 if other == axis else 1 for other in range(len(shape)))))
        return tuple(factors)

    def _sizes(self, ndim: int) -> tuple[int, ...]:
        sizes = self.size if isinstance(self.size, tuple) else (self.size,) * ndim
        if len(sizes) != ndim:
            raise ValueError(f"The boundary layer has {len(sizes)} sizes for {ndim} axes: {sizes}.")
        return sizes


def _quartic_profile(num_points: int, size: int, shift: float) -> np.ndarray:
    """Fourth power of the relative depth in the layer; zero outside of it."""
    profile = np.zeros(num_points)
    if size > 0:
        index = np.arange(size)
        profile[:size] = ((size - index - shift) / size) ** 4
        # The staggered point just before the layer at the far end is left undamped, as k-Wave leaves it.
        profile[num_points - size :] = ((index + 1 + shift) / size) ** 4
    return profile
