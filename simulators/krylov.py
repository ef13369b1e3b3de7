"""Restarted GMRES for operators given as functions of one array of any shape."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

Field = Complex[Array, "*space"]
Operator = Callable[[Field], Field]

STAGNATION = 0.98
"""A whole cycle that leaves more than this share of the residual has met the limit of the arithmetic."""


class KrylovSolution(eqx.Module):
    """What GMRES found and how it got there.

    - `value`: the last iterate.
    - `residual`: its relative residual, computed from the definition.
    - `iterations`: how many were needed.
    - `history`: relative residual before the first and after every iteration, shape `(most_iterations + 1,)`; NaN for
      iterations that were not needed.
    - `stagnated`: whether it ended because a whole cycle no longer reduced the residual.
    """

    value: Field
    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    history: Float[Array, " iteration"]
    stagnated: Bool[Array, ""]


class _Cycle(eqx.Module):
    """A Krylov basis, and the least-squares problem in it, brought to triangular form by Givens rotations."""

    basis: Complex[Array, "vector *space"]
    triangle: Complex[Array, "column column"]
    cosine: Complex[Array, " column"]
    sine: Complex[Array, " column"]
    right: Complex[Array, " vector"]
    column: Int[Array, ""]


def gmres(
    operator: Operator,
    right_hand_side: Field,
    start: Field | None = None,
    *,
    scale: Float[Array, ""],
    tolerance: float,
    restart: int,
    most_iterations: int,
) -> KrylovSolution:
    """Solve `operator(x) = right_hand_side` by GMRES, restarted after `restart` iterations.

    Ends when the norm of the residual is at most `tolerance * scale`, when a whole cycle does not reduce it, or after
    `most_iterations`. A residual that is not finite counts as stagnation.

    **Arguments:**

    - `operator`: complex linear. Precondition it, and the right-hand side, before.
    - `start`: first guess; default: zero.
    - `scale`: what residuals are relative to, usually the norm of the right-hand side.

    Source: Saad and Schultz, SIAM J. Sci. Stat. Comput. 7(3), 1986, doi:10.1137/0907058.
    """

    def unfinished(carry: tuple[KrylovSolution, Field]) -> Bool[Array, ""]:
        found, _ = carry
        return (found.residual > tolerance) & (found.iterations < most_iterations) & ~found.stagnated

    def advance(carry: tuple[KrylovSolution, Field]) -> tuple[KrylovSolution, Field]:
        found, defect = carry
        cycle, history = _cycle(operator, found, defect, scale, tolerance, restart, most_iterations)
        value = found.value + _combination(cycle)
        defect = right_hand_side - operator(value)
        residual = norm(defect) / scale
        # Written so that NaN, which compares as false, counts as stagnation.
        stagnated = ~(residual <= tolerance) & ~(residual < STAGNATION * found.residual)
        return KrylovSolution(value, residual, found.iterations + cycle.column, history, stagnated), defect

    if start is None:
        start, defect = jnp.zeros_like(right_hand_side), right_hand_side
    else:
        defect = right_hand_side - operator(start)
    residual = norm(defect) / scale
    history = jnp.full(most_iterations + 1, jnp.nan, scale.dtype).at[0].set(residual)
    first = KrylovSolution(start, residual, jnp.asarray(0), history, ~jnp.isfinite(residual))
    return jax.lax.while_loop(unfinished, advance, (first, defect))[0]


def norm(field: Field) -> Float[Array, ""]:
    """Euclidean norm."""
    return jnp.sqrt(jnp.sum(jnp.real(field) ** 2 + jnp.imag(field) ** 2))


def _cycle(
    operator: Operator,
    done: KrylovSolution,
    defect: Field,
    scale: Float[Array, ""],
    tolerance: float,
    restart: int,
    most_iterations: int,
) -> tuple[_Cycle, Float[Array, " iteration"]]:
    def unfinished(carry):
        cycle, _, residual = carry
        within = (cycle.column < restart) & (done.iterations + cycle.column < most_iterations)
        return within & (residual > tolerance)

    def extend(carry):
        cycle, history, _ = carry
        cycle = _extended(operator, cycle)
        residual = jnp.abs(cycle.right[cycle.column]) / scale
        return cycle, history.at[done.iterations + cycle.column].set(residual), residual

    first = _empty_cycle(defect, restart)
    cycle, history, _ = jax.lax.while_loop(unfinished, extend, (first, done.history, done.residual))
    return cycle, history


def _empty_cycle(defect: Field, restart: int) -> _Cycle:
    size, dtype = norm(defect), defect.dtype
    basis = jnp.zeros((restart + 1, *defect.shape), dtype)
    return _Cycle(
        basis=basis.at[0].set(_divided(defect, size)),
        triangle=jnp.eye(restart, dtype=dtype),
        cosine=jnp.zeros(restart, dtype),
        sine=jnp.zeros(restart, dtype),
        right=jnp.zeros(restart + 1, dtype).at[0].set(size.astype(dtype)),
        column=jnp.asarray(0),
    )


def _extended(operator: Operator, cycle: _Cycle) -> _Cycle:
    """One more iteration: a new vector of the basis and a new column of the triangle."""
    column = cycle.column
    vector, parts = _orthogonalised(operator(cycle.basis[column]), cycle.basis, column)
    size = norm(vector)
    entries = jax.lax.fori_loop(
        0, column, lambda i, entries: _rotated(entries, i, cycle.cosine[i], cycle.sine[i]), parts
    )
    entries = entries.at[column + 1].set(size.astype(entries.dtype))
    cosine, sine = _rotation(entries[column], size)
    return _Cycle(
        basis=cycle.basis.at[column + 1].set(_divided(vector, size)),
        triangle=cycle.triangle.at[:, column].set(_rotated(entries, column, cosine, sine)[:-1]),
        cosine=cycle.cosine.at[column].set(cosine),
        sine=cycle.sine.at[column].set(sine),
        right=_rotated(cycle.right, column, cosine, sine),
        column=column + 1,
    )


def _orthogonalised(
    vector: Field, basis: Complex[Array, "vector *space"], column: Int[Array, ""]
) -> tuple[Field, Complex[Array, " vector"]]:
    """`vector` without its parts along the first `column + 1` vectors of the basis, and the sizes of those parts."""

    def remove(i, carry):
        vector, parts = carry
        part = jnp.sum(jnp.conj(basis[i]) * vector)
        return vector - part * basis[i], parts.at[i].set(part)

    return jax.lax.fori_loop(0, column + 1, remove, (vector, jnp.zeros(len(basis), vector.dtype)))


def _rotation(upper: Complex[Array, ""], lower: Float[Array, ""]) -> tuple[Complex[Array, ""], Complex[Array, ""]]:
    """Cosine and sine of the rotation that turns `(upper, lower)` into `(length, 0)` up to a phase."""
    size = jnp.abs(upper)
    length = jnp.sqrt(size**2 + lower**2)
    positive = jnp.where(length > 0, length, 1.0)
    phase = jnp.where(size > 0, upper / jnp.where(size > 0, size, 1.0).astype(upper.dtype), 1.0)
    cosine = jnp.where(length > 0, size / positive, 1.0).astype(upper.dtype)
    return cosine, phase * (lower / positive).astype(upper.dtype)


def _rotated(
    entries: Complex[Array, " entry"], i: Int[Array, ""], cosine: Complex[Array, ""], sine: Complex[Array, ""]
) -> Complex[Array, " entry"]:
    upper, lower = entries[i], entries[i + 1]
    upper, lower = cosine * upper + sine * lower, cosine * lower - jnp.conj(sine) * upper
    return entries.at[i].set(upper).at[i + 1].set(lower)


def _combination(cycle: _Cycle) -> Field:
    """The correction with the smallest residual in the cycle's Krylov space."""
    used = jnp.arange(len(cycle.triangle)) < cycle.column
    weights = jax.scipy.linalg.solve_triangular(cycle.triangle, jnp.where(used, cycle.right[:-1], 0.0))
    zero = jnp.zeros_like(cycle.basis[0])
    return jax.lax.fori_loop(0, cycle.column, lambda i, total: total + weights[i] * cycle.basis[i], zero)


def _divided(field: Field, size: Float[Array, ""]) -> Field:
    return field / jnp.where(size > 0, size, 1.0).astype(field.dtype)
