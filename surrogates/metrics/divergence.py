"""Whether a velocity conserves volume."""

import numpy as np
from jaxtyping import ArrayLike

from fieldcast.simulators.flows.sampled_grid import SampledGrid
from fieldcast.surrogates.metrics.pointwise import weighted_mean


def relative_divergence(velocity: ArrayLike, grid: SampledGrid) -> float:
    """The divergence of a velocity `(component, *space)` as a part of its gradient.

        ||div u|| / ||grad u||,   ||grad u||^2 = sum_ij int (du_i / dx_j)^2

    0 of an incompressible flow that is resolved; 1 / sqrt(components) of a velocity without any relation between its
    components. Filtered fields at every n-th point are not resolved: compare with the value of the data.

    **Raises:** `ValueError` for another number of components than axes, on a sphere, and for a uniform velocity.
    """
    velocity = np.asarray(velocity, float)
    dims = len(grid.axis_names)
    if velocity.shape != (dims, *grid.shape) or "latitude" in grid.axis_names:
        raise ValueError(
            f"A velocity with one component for each Cartesian axis {grid.axis_names} has the shape "
            f"{(dims, *grid.shape)}, got {velocity.shape}."
        )
    gradient = np.stack([grid.derivative(velocity, axis) for axis in range(dims)], axis=1)
    squares = weighted_mean(
        np.stack(
            [np.einsum("ii...->...", gradient) ** 2, np.sum(gradient**2, axis=(0, 1)), np.sum(velocity**2, axis=0)]
        ),
        grid.weights(),
    )
    if squares[1] <= 1e-20 * squares[2]:  # round-off
        raise ValueError("The velocity is uniform; a divergence relative to its gradient means nothing.")
    return float(np.sqrt(squares[0] / squares[1]))
