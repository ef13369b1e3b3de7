"""The steady-state field without time stepping."""

import math
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from fieldcast.simulators.acoustics import checks
from fieldcast.simulators.acoustics.band_limited import POINTS_PER_CELL, source_patterns
from fieldcast.simulators.acoustics.born_solution import BornSolution, result_of
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.helmholtz import Field, FirstOrder
from fieldcast.simulators.acoustics.helmholtz_layer import outgoing
from fieldcast.simulators.acoustics.helmholtz_second_order import SecondOrder
from fieldcast.simulators.acoustics.kspace_absorption import Absorption, Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.local_green import LocalGreen
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.simulators.krylov import KrylovSolution, Operator, gmres, norm

LAYER_ITERATIONS = 12
"""With them the boundary layer of a given field is known well enough to judge the field."""

WARM_START_ITERATIONS = 4
"""More of them in the boundary layer of a first guess cost more than they save."""


class BornSeries(FieldSolver):
    """The steady-state field as the solution of a Helmholtz equation, by a Born series accelerated by GMRES.

        A p = b,   p <- p + M (b - A p),   M ~ A^-1

    A is the time-domain scheme of `KSpace` at one frequency (`equation`), b the transducer's surface spread
    over the grid, and M sends what is left over out through the medium around each point (`LocalGreen`). Some tens of
    iterations replace thousands of time steps, more where waves go back and forth inside the head. The residual is
    that of the preconditioned equation relative to its right-hand side, `|M (b - A p)| / |M b|`: the size of the next
    Born term, of the order of the relative error of the field.

    Differentiable in the medium's maps and in the transducer's pose, pressures and phases by the implicit function
    theorem: a gradient costs one more solve, with the transposed operator, and no memory for iterations.

    **Arguments:**

    - `tolerance`: largest relative residual.
    - `most_iterations`: when to give up.
    - `restart`: GMRES keeps that many fields, then starts anew from what it has.
    - `references`: reference media of `LocalGreen`; a homogeneous medium needs and takes one.
    - `damping`: of `LocalGreen`.
    - `layer`: the absorbing boundary layer. A strong thin one, as `KSpace` has, takes more iterations.
    - `absorption`: how the medium's attenuation acts; without dispersion.
    - `equation`: the discretisation; `SecondOrder` is faster where the density is the same everywhere.
    - `points_per_cell`: integration points on each grid cell's worth of the transducer's surface.

    **Raises:** `ValueError` for scenes that would be answered wrongly (`checks`), `RuntimeError` when it does not
    converge; under `jit` and `vmap` an error with the same message when it runs.

    Source: Osnabrugge, Leedumrongwatthanakun and Vellekoop, J. Comput. Phys. 322, 2016,
    doi:10.1016/j.jcp.2016.06.034 (the series); Saad and Schultz, 1986, doi:10.1137/0907058 (GMRES).
    """

    tolerance: float = eqx.field(static=True, default=1e-3)
    most_iterations: int = eqx.field(static=True, default=1000)
    restart: int = eqx.field(static=True, default=10)
    references: int = eqx.field(static=True, default=2)
    damping: float = eqx.field(static=True, default=0.2)
    layer: PerfectlyMatchedLayer = PerfectlyMatchedLayer(strength=1.0, smallest=12)
    absorption: Absorption = PowerLaw()
    equation: FirstOrder | SecondOrder = FirstOrder()
    points_per_cell: int = eqx.field(static=True, default=POINTS_PER_CELL)

    def __check_init__(self):
        checks.check_settings(self, most_iterations=1, restart=1, references=1, points_per_cell=1)
        for name in ("tolerance", "damping"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be a positive number, got {getattr(self, name)}.")

    def __call__(self, scene: Scene) -> PressureField:
        solution = self.solution(scene)
        failed = ~solution.converged
        if isinstance(failed, jax.core.Tracer):
            return solution.result.error_if(solution.field, failed)
        if bool(failed):
            raise RuntimeError(solution.message)
        return solution.field

    def solution(self, scene: Scene, start: PressureField | None = None) -> BornSolution:
        """The field, converged or not, with a record of how it was found.

        **Arguments:**

        - `start`: a first guess with phase on the scene's grid, say a surrogate's answer; its complex amplitude is
          fitted before the first iteration. Default: silence.
        """
        solver = self._simplified(scene)
        guess = None if start is None else _pressure(start, scene)
        found = _solve(solver, Scene(scene.medium, scene.transducer), guess)
        pressure = found.value[solver.layer.interior(scene.grid.shape)]
        field = PressureField(pressure, scene.grid, scene.frequency, scene.focus_region)
        return BornSolution(
            field, result_of(found, self.tolerance), found.iterations, found.residual, found.history, self.tolerance
        )

    def residual(self, field: PressureField, scene: Scene) -> Float[Array, ""]:
        """`|M (b - A p)| / |M b|` of a field with phase, whoever computed it: of the order of its relative error.

        The field is first continued into the boundary layer, where it is not known; the residual is that on the
        scene's grid. Below about 1e-3 it tells more about that continuation than about the field.
        """
        return _residual(self._simplified(scene), Scene(scene.medium, scene.transducer), _pressure(field, scene))

    def _simplified(self, scene: Scene) -> "BornSeries":
        """This solver without what a scene with known values does not need."""
        known = checks.known_values(scene)
        if known is None:
            return self
        checks.check_scene(known)
        absorption, references = self.absorption, self.references
        if not isinstance(scene.medium.attenuation, jax.core.Tracer) and not np.any(known.medium.attenuation):
            absorption = Lossless()
        if np.ptp(np.asarray(known.medium.sound_speed)) == 0.0:
            references = 1
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return BornSeries(**{**fields, "absorption": absorption, "references": references})


@eqx.filter_jit
def _solve(solver: BornSeries, scene: Scene, guess: Field | None) -> KrylovSolution:
    apply, right = _preconditioned(solver, scene)
    start = None if guess is None else jax.lax.stop_gradient(_extended(solver, scene, guess))

    def solve(apply: Operator, right: Field, start: Field | None = None) -> tuple[Field, KrylovSolution]:
        used = 0
        if start is not None:
            layer = _in_layer(solver, scene, apply, right - apply(start), WARM_START_ITERATIONS)
            start, used = _fitted(apply, right, start + layer.value), layer.iterations
        found = gmres(
            apply,
            right,
            start,
            scale=norm(right),
            tolerance=solver.tolerance,
            restart=solver.restart,
            most_iterations=solver.most_iterations,
        )
        return found.value, eqx.tree_at(lambda found: found.iterations, found, found.iterations + used)

    value, found = jax.lax.custom_linear_solve(
        apply, right, partial(solve, start=start), transpose_solve=solve, has_aux=True
    )
    return eqx.tree_at(lambda found: found.value, found, value)


@eqx.filter_jit
def _residual(solver: BornSeries, scene: Scene, guess: Field) -> Float[Array, ""]:
    apply, right = _preconditioned(solver, scene)
    defect = right - apply(_extended(solver, scene, guess))
    defect = defect - apply(_in_layer(solver, scene, apply, defect, LAYER_ITERATIONS).value)
    return norm(defect[solver.layer.interior(scene.grid.shape)]) / norm(right)


def _in_layer(solver: BornSeries, scene: Scene, apply: Operator, defect: Field, iterations: int) -> KrylovSolution:
    """What has to be added in the boundary layer, and there alone, to a field with this defect."""
    interior = solver.layer.interior(scene.grid.shape)

    def restricted(field: Field) -> Field:
        return field.at[interior].set(0.0)

    return gmres(
        lambda field: restricted(apply(field)),
        restricted(defect),
        scale=norm(defect),
        tolerance=0.1 * solver.tolerance,
        restart=iterations,
        most_iterations=iterations,
    )


def _preconditioned(solver: BornSeries, scene: Scene) -> tuple[Operator, Field]:
    """`p -> M A p` and `M b`. M is a constant: derivatives pass it by, as the solution does not depend on it."""
    operator = solver.equation.operator(scene.medium, scene.frequency, solver.layer, solver.absorption)
    green = LocalGreen(jax.lax.stop_gradient(operator), solver.references, solver.damping)
    patterns = source_patterns(scene.transducer, solver.layer.surround_grid(scene.grid), solver.points_per_cell)
    dtype = scene.medium.sound_speed.dtype
    phase = patterns.phases.astype(dtype)
    amplitudes = jax.lax.complex(jnp.cos(phase), jnp.sin(phase))
    emitted = jnp.tensordot(amplitudes, patterns.weights.astype(amplitudes.dtype), 1)
    return lambda pressure: green(operator.spectrum(pressure)), green(operator.source_spectrum(emitted))


def _extended(solver: BornSeries, scene: Scene, pressure: Complex[Array, "*inner"]) -> Complex[Array, "*outer"]:
    """A field on the scene's grid, continued into the boundary layer."""
    medium = solver.layer.surround(scene.medium)
    wavenumber = 2.0 * math.pi * scene.frequency * scene.grid.spacing / jnp.min(medium.sound_speed)
    reference = 2.0 * math.pi * scene.frequency * scene.grid.spacing / jnp.max(medium.sound_speed)
    return outgoing(pressure, solver.layer, wavenumber, reference)


def _fitted(apply: Operator, right: Field, start: Field) -> Field:
    """`start` times the complex number that makes its residual smallest."""
    image = apply(start)
    size = jnp.sum(jnp.abs(image) ** 2)
    factor = jnp.sum(jnp.conj(image) * right) / jnp.where(size > 0, size, 1.0).astype(right.dtype)
    return factor * start


def _pressure(field: PressureField, scene: Scene) -> Field:
    """The complex pressure of a field that belongs to the scene, in the medium's precision."""
    if not field.has_phase:
        raise ValueError(
            "This field has an amplitude only; a residual or a first guess needs the complex pressure, phase included."
        )
    if field.grid != scene.grid or field.frequency != scene.frequency:
        raise ValueError(
            f"The field belongs to {field.grid} at {field.frequency} Hz, the scene to {scene.grid} at "
            f"{scene.frequency} Hz; resample the field, or solve for its own scene."
        )
    return field.pressure.astype(np.result_type(scene.medium.sound_speed.dtype, np.complex64))
