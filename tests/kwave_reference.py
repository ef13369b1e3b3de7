"""k-Wave's own answer to a small time-domain problem, through its unchanged entry point."""

import warnings
from collections.abc import Mapping

import numpy as np

from fieldcast.simulators.acoustics.kwave_import import import_kwave


def pressure_series(
    *,
    spacing: float,
    time_step: float,
    num_steps: int,
    medium: Mapping[str, object],
    source: Mapping[str, object],
    layer: int | tuple[int, ...],
    inside: bool,
) -> np.ndarray:
    """Pressure at every point after every step, shape `(time, *space)` [Pa]."""
    import_kwave()
    from kwave.kgrid import kWaveGrid
    from kwave.kmedium import kWaveMedium
    from kwave.ksensor import kSensor
    from kwave.ksource import kSource
    from kwave.kspaceFirstOrder import kspaceFirstOrder

    shape = np.shape(medium["sound_speed"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k-Wave's CFL warning also fires in stable runs
        grid = kWaveGrid(list(shape), [spacing] * len(shape))
        grid.setTime(num_steps, time_step)
        kwave_source = kSource()
        for name, value in source.items():
            setattr(kwave_source, name, value)
        sensor = kSensor(mask=np.ones(shape))
        sensor.record = ["p"]
        result = kspaceFirstOrder(
            grid,
            kWaveMedium(**medium),
            kwave_source,
            sensor,
            pml_size=layer,
            pml_inside=inside,
            quiet=True,
            smooth_p0=False,
            backend="python",
        )
    return result["p"].T.reshape(num_steps, *shape)
