"""Smagorinsky's closure with a coefficient that the resolved flow itself determines."""

import abc

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.flows.closure import (
    Closure,
    Resolution,
    contraction,
    deviator,
    strain_magnitude,
    strain_rate,
)
from fieldcast.simulators.flows.explicit_filter import ExplicitFilter, SevenPoint, SharpCutoff, filtered
from fieldcast.simulators.stepper import parameter


class DynamicClosure(Closure):
    """Smagorinsky's closure with a coefficient in place of a constant, `nu_t = C Delta^2 |S|`."""

    @abc.abstractmethod
    def coefficient(
        self, velocity: Float[Array, "3 *space"], gradient: Float[Array, "3 3 *space"], resolution: Resolution
    ) -> Float[Array, "x y z"]:
        """C, the square of Smagorinsky's constant, shaped to broadcast against the fields."""

    def eddy_viscosity(
        self, velocity: Float[Array, "3 *space"], gradient: Float[Array, "3 3 *space"], resolution: Resolution
    ) -> Float[Array, "*space"]:
        coefficient = self.coefficient(velocity, gradient, resolution)
        return coefficient * resolution.width(gradient.dtype) ** 2 * strain_magnitude(strain_rate(gradient))


class DynamicSmagorinsky(DynamicClosure):
    """The dynamic closure of Germano, by Lilly's least squares, averaged over the homogeneous directions.

        nu_t = C Delta^2 |S|,        C = max(<L_ij M_ij>, 0) / <M_ij M_ij>

    with the stresses L, M of `germano_identity`. Both are averaged over the periodic axes before they are divided, and
    negative coefficients are cut off at zero. C vanishes in laminar shear and at walls.

    The test filter acts along the periodic axes only, all of them. It is twice as wide as the grid along each, so
    with h periodic axes the ratio of the widths is `alpha = 2^(h/3)`: 2 in a periodic box, 4^(1/3) in a channel.

    **Arguments:**

    - `test_filter`: `SharpCutoff()` for spectral methods, `ThreePoint()` for finite differences.

    M. Germano, U. Piomelli, P. Moin and W. H. Cabot, Phys. Fluids A 3 (1991) 1760, doi:10.1063/1.857955; D. K. Lilly,
    Phys. Fluids A 4 (1992) 633, doi:10.1063/1.858280.
    """

    test_filter: ExplicitFilter = SharpCutoff()

    def coefficient(
        self, velocity: Float[Array, "3 *space"], gradient: Float[Array, "3 3 *space"], resolution: Resolution
    ) -> Float[Array, "x y z"]:
        """C, one number along the periodic axes."""
        matrices = _periodic_matrices(self.test_filter, velocity.shape[1:], resolution)
        ratio = 2.0 ** (len(resolution.homogeneous) / 3.0)
        leonard, model = germano_identity(velocity, gradient, resolution.width(gradient.dtype), ratio, matrices)
        return least_squares(leonard, model, resolution.homogeneous)


class PointwiseDynamicSmagorinsky(DynamicClosure):
    """The dynamic closure point by point, as Xcompact3D has it.

        nu_t = C Delta^2 |S|,        C = max(<^clip(L_ij M_ij / M_ij M_ij, 0, largest)>_z, 0)

    The test filter is the `SevenPoint` one, along all three axes, counted in points where they are stretched. The
    ratio of the widths is taken as 2. The quotient is clipped at every point, filtered once more and averaged over
    the last axis; where the filter overshoots to below zero, C is zero (there Xcompact3D keeps the sign).

    **Arguments:**

    - `largest`: where C is clipped.

    P. Bartholomew et al., SoftwareX 12 (2020) 100550, doi:10.1016/j.softx.2020.100550.
    """

    largest: Float[Array, ""] = parameter(default=0.3)

    def coefficient(
        self, velocity: Float[Array, "3 *space"], gradient: Float[Array, "3 3 *space"], resolution: Resolution
    ) -> Float[Array, "x y z"]:
        """C, one number along the last axis.

        **Raises:** `ValueError` if the last axis is not periodic.
        """
        if 2 not in resolution.homogeneous:
            raise ValueError(f"The coefficient is averaged along the last axis, which has walls on {resolution.grid}.")
        matrices = _periodic_matrices(SevenPoint(), velocity.shape[1:], resolution) | {
            axis: SevenPoint().wall_matrix(velocity.shape[1 + axis]) for axis in {0, 1} - set(resolution.homogeneous)
        }
        leonard, model = germano_identity(velocity, gradient, resolution.width(gradient.dtype), 2.0, matrices)
        quotient = _quotient(contraction(leonard, model), contraction(model, model))
        clipped = jnp.clip(quotient, 0.0, self.largest.astype(quotient.dtype))
        return jnp.maximum(jnp.mean(filtered(clipped, matrices), axis=2, keepdims=True), 0.0)


def germano_identity(
    velocity: Float[Array, "3 *space"],
    gradient: Float[Array, "3 3 *space"],
    width: Float[Array, "x y z"],
    ratio: float,
    matrices: dict[int, np.ndarray],
) -> tuple[Float[Array, "3 3 *space"], Float[Array, "3 3 *space"]]:
    """Two expressions for the stress between grid and test filter (a hat), of which the second knows C up to a factor.

        L_ij = ^(u_i u_j) - ^u_i ^u_j,        M_ij = 2 [^(Delta^2 |S| S_ij) - (ratio Delta)^2 |^S| ^S_ij]

    so that the deviator of L is `C M`. The strain rate of the filtered velocity is taken as the filtered strain rate.

    **Arguments:**

    - `velocity`, `gradient`: as in `Closure`.
    - `width`: of the grid filter.
    - `ratio`: of the test filter's width to it.
    - `matrices`: of the test filter, by axis.

    **Returns:** the deviator of L, and M.
    """
    strain = strain_rate(gradient)
    product = width[None, None] ** 2 * strain_magnitude(strain)[None, None] * strain
    test_velocity = filtered(velocity, matrices)
    test_strain = filtered(strain, matrices)
    leonard = filtered(_dyad(velocity), matrices) - _dyad(test_velocity)
    test_product = (ratio * width[None, None]) ** 2 * strain_magnitude(test_strain)[None, None] * test_strain
    return deviator(leonard), 2.0 * (filtered(product, matrices) - test_product)


def least_squares(
    leonard: Float[Array, "3 3 x y z"], model: Float[Array, "3 3 x y z"], axes: tuple[int, ...]
) -> Float[Array, "#x #y #z"]:
    """The C that fits `L = C M` best over the `axes` of space, or zero where the best is negative; they become one."""
    numerator = jnp.mean(contraction(leonard, model), axes, keepdims=True)
    denominator = jnp.mean(contraction(model, model), axes, keepdims=True)
    return _quotient(jnp.maximum(numerator, 0.0), denominator)


def _periodic_matrices(
    test_filter: ExplicitFilter, shape: tuple[int, ...], resolution: Resolution
) -> dict[int, np.ndarray]:
    return {axis: test_filter.matrix(shape[axis], resolution.grid.shape[axis]) for axis in resolution.homogeneous}


def _dyad(velocity: Float[Array, "3 *space"]) -> Float[Array, "3 3 *space"]:
    return velocity[:, None] * velocity[None]


def _quotient(numerator: Float[Array, "x y z"], denominator: Float[Array, "x y z"]) -> Float[Array, "x y z"]:
    """Zero where nothing moves, with derivatives that are zero there as well."""
    moving = denominator > 0
    return jnp.where(moving, numerator / jnp.where(moving, denominator, 1.0), 0.0)
