"""What a steady-state solver found, and how it ended."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.krylov import KrylovSolution


class RESULTS(eqx.Enumeration):
    """How a solve ended."""

    converged = "The residual is below the tolerance."
    too_many_iterations = (
        "The steady-state solver did not converge within most_iterations. Allow more, ask for less (tolerance), or "
        "use a thicker boundary layer."
    )
    stagnated = (
        "The steady-state solver stagnated above its tolerance, which the precision of its numbers does not allow. Ask "
        "for less (tolerance), restart later, or use double precision."
    )
    not_finite = "The steady-state solver met numbers that are not finite; look for extreme values in the scene."


class BornSolution(eqx.Module):
    """What `BornSeries.solution` found and how it got there.

    - `field`: the last iterate, converged or not.
    - `result`: how the solve ended.
    - `iterations`: how many were needed, those that continue a first guess into the boundary layer included.
    - `residual`: relative residual of `field`; `tolerance`: what was asked for.
    - `residual_history`: relative residual before the first and after every iteration, shape `(most_iterations + 1,)`;
      NaN for iterations that were not needed.
    """

    field: PressureField
    result: RESULTS
    iterations: Int[Array, ""]
    residual: Float[Array, ""]
    residual_history: Float[Array, " iteration"]
    tolerance: float = eqx.field(static=True)

    @property
    def converged(self) -> Bool[Array, ""]:
        return self.result == RESULTS.converged

    @property
    def message(self) -> str:
        """How the solve ended, in words and numbers."""
        return (
            f"{RESULTS[self.result]} ({int(self.iterations)} iterations, relative residual "
            f"{float(self.residual):.2e}, tolerance {self.tolerance:.2e})"
        )


def result_of(found: KrylovSolution, tolerance: float) -> RESULTS:
    """The result code of a Krylov solution."""
    result = RESULTS.where(found.stagnated, RESULTS.stagnated, RESULTS.too_many_iterations)
    result = RESULTS.where(jnp.isfinite(found.residual), result, RESULTS.not_finite)
    return RESULTS.where(found.residual <= tolerance, RESULTS.converged, result)
