"""Run the k-space scheme through time and record what a sensor sees."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from fieldcast.simulators.acoustics.kspace_scheme import AcousticState, KSpaceScheme
from fieldcast.simulators.nested_scan import nested_scan

Sensor = Callable[[AcousticState], PyTree]


def everywhere(state: AcousticState) -> Float[Array, "*space"]:
    """The sensor that records the pressure at every point [Pa]."""
    return state.pressure


def simulate(
    scheme: KSpaceScheme,
    state: AcousticState,
    num_steps: int,
    sensor: Sensor = everywhere,
    *,
    checkpoint_levels: int = 0,
    progress: diffrax.AbstractProgressMeter | None = None,
) -> tuple[AcousticState, PyTree]:
    """Advance `state` by `num_steps` time steps and record what `sensor` sees after each.

    A source signal's entry n belongs to time `n dt`; the pressure after step n that an additive source causes is the
    field at `(n + 1/2) dt`.

    **Arguments:**

    - `scheme`: the scheme, with its medium and sources.
    - `state`: from `scheme.rest()`, `scheme.released(initial_pressure)` or an earlier run.
    - `sensor`: any function of the state on the user's grid; its answers (pytrees, or `None`) are stacked over time.
    - `checkpoint_levels`: nesting of the loop to save memory in reverse-mode differentiation, see `nested_scan`.
    - `progress`: a progress meter, for example `diffrax.TqdmProgressMeter()`.

    **Returns:** the last state (on the grid with its boundary layer), and the records.
    """
    meter = diffrax.NoProgressMeter() if progress is None else progress
    first = state.step

    def step(carry):
        state, meter_state = carry
        state = scheme(state)
        meter_state = meter.step(meter_state, (state.step - first) / num_steps)
        return (state, meter_state), sensor(visible(scheme, state))

    (state, meter_state), records = nested_scan(step, (state, meter.init()), num_steps, checkpoint_levels)
    meter.close(meter_state)
    blown_up = ~jnp.all(jnp.isfinite(state.pressure))
    return eqx.error_if((state, records), blown_up, "The simulation blew up: its last pressure is not finite.")


def visible(scheme: KSpaceScheme, state: AcousticState) -> AcousticState:
    """The state on the user's grid, without the boundary layer."""

    def crop(field):
        return field[scheme.interior] if field.ndim > 0 else field

    return jax.tree.map(crop, state)
