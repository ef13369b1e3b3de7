"""Sources of the time-domain k-space scheme: where they are, what they emit, and how it acts on the field."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.medium import Medium

Fields = tuple[Float[Array, "*space"], ...]


class Surroundings(eqx.Module):
    """What a source has to know of the scheme it is put into.

    - `medium`: on the grid with its boundary layer; `offset`: where the user's grid starts within it.
    - `time_step` [s].
    - `correction`: `cos(c_ref |k| dt / 2)`, the symbol by which the scheme's injected mass is made exact in time.
    """

    medium: Medium
    offset: tuple[int, ...] = eqx.field(static=True)
    interior: tuple[int, ...] = eqx.field(static=True)
    time_step: float = eqx.field(static=True)
    correction: Float[Array, "*spectrum"]


class SourceMode(eqx.Module):
    """How the values of a source act on the field.

    `pressure_scale` and `velocity_scale` turn values [Pa], [m/s] into what each split density or velocity component
    gains (or becomes) in a step; both are maps on the grid.
    """

    @abc.abstractmethod
    def pressure_scale(self, around: Surroundings) -> Float[Array, "*space"]: ...

    @abc.abstractmethod
    def velocity_scale(self, around: Surroundings) -> Float[Array, "*space"]: ...


class Additive(SourceMode):
    """Add to the field: a source of mass (or force) in free space.

        rho_i += 2 dt / (ndim c dx) S,   u_i += (2 c dt / dx) S

    **Arguments:**

    - `corrected`: filter the injected values by `cos(c_ref |k| dt / 2)`, so that the amplitude does not depend on the
      time step.

    Source: Cox et al., Proc. IEEE IUS 2018, doi:10.1109/ULTSYM.2018.8580150.
    """

    corrected: bool = eqx.field(static=True, default=True)

    def pressure_scale(self, around: Surroundings) -> Float[Array, "*space"]:
        grid = around.medium.grid
        return (2.0 * around.time_step / (grid.ndim * grid.spacing)) / around.medium.sound_speed

    def velocity_scale(self, around: Surroundings) -> Float[Array, "*space"]:
        return (2.0 * around.time_step / around.medium.grid.spacing) * around.medium.sound_speed


class Dirichlet(SourceMode):
    """Replace the field: at the source's points it is what the source says, while its signal lasts."""

    def pressure_scale(self, around: Surroundings) -> Float[Array, "*space"]:
        return 1.0 / (around.medium.grid.ndim * around.medium.sound_speed**2)

    def velocity_scale(self, around: Surroundings) -> Float[Array, "*space"]:
        return jnp.ones_like(around.medium.sound_speed)


class Injection(eqx.Module):
    """A source made ready for one scheme: `fields = inject(fields, step)`; past its signal's end it does nothing."""

    signals: Float[Array, "row time"]

    @abc.abstractmethod
    def inject(self, fields: Fields, values: Float[Array, " row"], active: Array) -> Fields: ...

    def __call__(self, fields: Fields, step: Int[Array, ""]) -> Fields:
        length = self.signals.shape[1]
        return self.inject(fields, self.signals[:, jnp.minimum(step, length - 1)], step < length)


class _Patterns(Injection):
    """Fixed patterns times scalars: filtered once, no transform in the loop."""

    patterns: Float[Array, "row *space"]

    def inject(self, fields: Fields, values: Float[Array, " row"], active: Array) -> Fields:
        values = jnp.where(active, values, 0.0)
        gain = (
            jnp.tensordot(values, self.patterns, 1)
            if len(values) > 2
            else sum(map(jnp.multiply, values, self.patterns))
        )
        return tuple(field + gain for field in fields)


class _Scattered(Injection):
    """Points with a signal each, scattered and filtered at every step."""

    index: Int[Array, "axis point"]
    correction: Float[Array, "*spectrum"] | None

    def inject(self, fields: Fields, values: Float[Array, " row"], active: Array) -> Fields:
        gain = jnp.zeros_like(fields[0]).at[tuple(self.index)].set(jnp.where(active, values, 0.0))
        if self.correction is not None:
            gain = _filtered(gain, self.correction)
        return tuple(field + gain for field in fields)


class _Prescribed(Injection):
    """Points whose values are set."""

    index: Int[Array, "axis point"]

    def inject(self, fields: Fields, values: Float[Array, " row"], active: Array) -> Fields:
        index = tuple(self.index)
        return tuple(field.at[index].set(jnp.where(active, values, field[index])) for field in fields)


class Support(eqx.Module):
    """Where a source acts."""

    @abc.abstractmethod
    def prepare(
        self, signals: Float[Array, "row time"], mode: SourceMode, scale: Float[Array, "*space"], around: Surroundings
    ) -> Injection:
        """The source with these signals, ready to be injected."""


class GridPoints(Support):
    """Points of the grid; one signal for all, or one for each.

    **Arguments:**

    - `index`: integer indices of shape `(point, axis)`, no point twice; the order is that of the signals.
    - `shape`: the grid's shape, without a boundary layer that is added to it.

    **Raises:** `ValueError` for points that are not on the grid.
    """

    index: Int[Array, "point axis"]
    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, index: ArrayLike | Sequence[Sequence[int]], shape: tuple[int, ...]):
        index = np.asarray(index)
        if index.ndim != 2 or not np.issubdtype(index.dtype, np.integer) or index.size == 0:
            raise ValueError(f"A source needs integer indices of shape (point, axis), got {index.dtype} {index.shape}.")
        if index.shape[1] != len(shape) or np.any(index < 0) or np.any(index >= np.asarray(shape)):
            raise ValueError(
                f"A source lies outside of the grid: indices reach from {index.min(axis=0).tolist()} to "
                f"{index.max(axis=0).tolist()}, the grid has shape {shape}. Move the source or enlarge the grid."
            )
        if len(np.unique(index, axis=0)) < len(index):
            raise ValueError("A source has the same grid point twice; add up the signals of that point.")
        self.index = jnp.asarray(index)
        self.shape = tuple(shape)

    @staticmethod
    def where(mask: ArrayLike) -> "GridPoints":
        """The points at which a mask of the grid's shape is true, in C order."""
        return GridPoints(np.argwhere(np.asarray(mask)), np.shape(mask))

    def prepare(
        self, signals: Float[Array, "row time"], mode: SourceMode, scale: Float[Array, "*space"], around: Surroundings
    ) -> Injection:
        self._check(signals, around)
        index = self.index.T + jnp.asarray(around.offset)[:, None]
        local = scale[tuple(index)]
        if isinstance(mode, Dirichlet):
            return _Prescribed(jnp.broadcast_to(signals, (len(local), signals.shape[1])) * local[:, None], index)
        correction = around.correction if mode.corrected else None
        if len(signals) == 1:
            pattern = jnp.zeros_like(scale).at[tuple(index)].set(local)
            return _Patterns(signals, _filtered(pattern, correction)[None])
        return _Scattered(signals * local[:, None], index, correction)

    def _check(self, signals: Float[Array, "row time"], around: Surroundings) -> None:
        if self.shape != around.interior:
            raise ValueError(f"A source made for a grid of shape {self.shape} does not fit one of {around.interior}.")
        if len(signals) not in (1, len(self.index)):
            raise ValueError(
                f"A source of {len(self.index)} grid points needs 1 or {len(self.index)} signals, got {len(signals)}."
            )


class GridWeights(Support):
    """A weight for every grid point and signal, for sources that do not lie on grid points.

    **Arguments:**

    - `weights`: shape `(row, *space)`, on the user's grid or on the grid with its boundary layer; row r radiates
      `weights[r] signals[r]`.
    """

    weights: Float[Array, "row *space"]

    def prepare(
        self, signals: Float[Array, "row time"], mode: SourceMode, scale: Float[Array, "*space"], around: Surroundings
    ) -> Injection:
        if isinstance(mode, Dirichlet):
            raise ValueError("A weighted source adds to the field; only GridPoints can prescribe it.")
        if len(signals) != len(self.weights):
            raise ValueError(f"A source of {len(self.weights)} weight maps needs as many signals, got {len(signals)}.")
        weights = self.weights
        if weights.shape[1:] == around.interior:
            rest = tuple(
                (low, total - low - n)
                for low, n, total in zip(around.offset, around.interior, scale.shape, strict=True)
            )
            weights = jnp.pad(weights, ((0, 0), *rest))
        if weights.shape[1:] != scale.shape:
            raise ValueError(
                f"Source weights of shape {self.weights.shape[1:]} fit neither the grid {around.interior} nor the grid "
                f"with its boundary layer {scale.shape}."
            )
        patterns = [_filtered(w * scale, around.correction if mode.corrected else None) for w in weights]
        return _Patterns(signals, jnp.stack(patterns))


class Source(eqx.Module):
    """A time-varying source of one quantity.

    **Arguments:**

    - `support`: where it acts.
    - `signals`: one value per time step for each row of the support, shape `(time,)` or `(row, time)`. A signal that is
      shorter than the simulation ends the source.
    - `mode`: how it acts on the field.
    """

    support: Support
    signals: Float[Array, "row time"]
    mode: SourceMode

    def __init__(self, support: Support, signals: ArrayLike, mode: SourceMode | None = None):
        self.support = support
        self.signals = jnp.atleast_2d(jnp.asarray(signals))
        self.mode = Additive() if mode is None else mode


class PressureSource(Source):
    """A source whose signals are pressures [Pa]; injected as mass."""

    def prepare(self, around: Surroundings) -> Injection:
        return _prepare(self, self.mode.pressure_scale(around), around)


class VelocitySource(Source):
    """A source whose signals are one component of the particle velocity [m/s]; `axis` says which.

    Its points are those of the staggered grid, half a spacing further along that axis.
    """

    axis: int = eqx.field(static=True)

    def __init__(self, support: Support, signals: ArrayLike, axis: int, mode: SourceMode | None = None):
        super().__init__(support, signals, mode)
        self.axis = axis

    def prepare(self, around: Surroundings) -> Injection:
        if not 0 <= self.axis < around.medium.grid.ndim:
            raise ValueError(
                f"A velocity source along axis {self.axis} does not fit a {around.medium.grid.ndim}-D grid."
            )
        return _prepare(self, self.mode.velocity_scale(around), around)


def _prepare(source: Source, scale: Float[Array, "*space"], around: Surroundings) -> Injection:
    return source.support.prepare(source.signals.astype(scale.dtype), source.mode, scale, around)


def _filtered(field: Float[Array, "*space"], symbol: Float[Array, "*spectrum"] | None) -> Float[Array, "*space"]:
    if symbol is None:
        return field
    return spectral.inverse_real_fft(spectral.scaled(spectral.real_fft(field), symbol), field.shape)
