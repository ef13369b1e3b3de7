"""How the ITRUSST intercomparison measures the difference of two fields, benchmarks 1 to 6.

Written after the definitions in the authors' comparison code (github.com/ucl-bug/transcranial-ultrasound-benchmarks),
whose indices are kept: Aubry et al., JASA 152(2), 2022, doi:10.1121/10.0013426.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fieldcast.simulators.acoustics.itrusst import COMPARISON_PLANE, Case

SKULL_BACK_PLANE = 74
"""The first plane of the brain, at x = 37 mm, in which the peak is looked for."""

FIXED_PLANE = 120
"""Where the peak of the piston is looked for behind a barrier, at x = 60 mm."""


@dataclass(frozen=True)
class Protocol:
    """What a case compares.

    - `exit_plane`: index of the first plane that counts.
    - `peak_planes`: the planes among which the peak is looked for.
    - `axial_width`: whether there is a focus whose length can be compared.
    """

    exit_plane: int
    peak_planes: range
    axial_width: bool = True


def protocol(case: Case) -> Protocol:
    """The protocol of a case: the peak of the piston is fixed to one plane in all but water."""
    planes = range(SKULL_BACK_PLANE, COMPARISON_PLANE.shape[0])
    if case.source.name == "SC1":
        return Protocol(19, planes)
    if case.benchmark.name == "BM1":
        return Protocol(1, planes)
    return Protocol(1, range(FIXED_PLANE, FIXED_PLANE + 1), axial_width=False)


@dataclass(frozen=True)
class Reading:
    """What is read off one field.

    - `peak_index`, `peak_pressure` [Pa]: of the highest point within the protocol's planes.
    - `axial_width_6db`, `axial_width_3db`, `lateral_width_6db`, `lateral_width_3db`: full widths at half maximum of
      amplitude and squared amplitude on lines through a given point [m]; NaN where the half is never reached.
    """

    peak_index: tuple[int, int]
    peak_pressure: float
    axial_width_6db: float
    axial_width_3db: float
    lateral_width_6db: float
    lateral_width_3db: float


@dataclass(frozen=True)
class Differences:
    """The published metrics; widths are signed, reference minus other.

    - `linf_percent`, `l2_percent`: of the whole plane behind the exit plane, relative to the reference's largest value
      and norm.
    - `peak_pressure_percent`, `peak_position_mm`: within the planes in which the peak is looked for.
    - `axial_width_6db_mm`, `axial_width_3db_mm`, `lateral_width_6db_mm`, `lateral_width_3db_mm`: -6 dB and -3 dB widths
      of the focus on lines through the reference's peak.
    """

    linf_percent: float
    l2_percent: float
    peak_pressure_percent: float
    peak_position_mm: float
    axial_width_6db_mm: float
    axial_width_3db_mm: float
    lateral_width_6db_mm: float
    lateral_width_3db_mm: float


def differences(
    reference: Float[np.ndarray, "x y"], other: Float[np.ndarray, "_ _"], protocol: Protocol, spacing: float
) -> Differences:
    """The difference of two amplitudes on one plane, x first, of points `spacing` [m] apart.

        linf = 100 max |p1 - p2| / max p1,   l2 = 100 |p1 - p2| / |p1|

    **Raises:** `ValueError` when the fields' shapes differ.
    """
    if reference.shape != other.shape:
        raise ValueError(f"Two fields are compared on one grid, got shapes {reference.shape} and {other.shape}.")
    first, second = behind_exit_plane(reference, protocol), behind_exit_plane(other, protocol)
    gap = np.abs(first - second)
    one = read(first, protocol, spacing)
    two = read(second, protocol, spacing, through=one.peak_index)
    shift = np.linalg.norm(np.subtract(one.peak_index, two.peak_index))
    widths = {
        f"{name}_mm": 1e3 * (getattr(one, name) - getattr(two, name))
        for name in ("axial_width_6db", "axial_width_3db", "lateral_width_6db", "lateral_width_3db")
    }
    return Differences(
        linf_percent=float(100.0 * np.nanmax(gap) / np.nanmax(first)),
        l2_percent=float(100.0 * np.sqrt(np.nansum(gap**2) / np.nansum(first[~np.isnan(gap)] ** 2))),
        peak_pressure_percent=100.0 * abs(one.peak_pressure - two.peak_pressure) / one.peak_pressure,
        peak_position_mm=float(1e3 * spacing * shift),
        **widths,
    )


def read(
    amplitude: Float[np.ndarray, "x y"], protocol: Protocol, spacing: float, through: tuple[int, int] | None = None
) -> Reading:
    """The peak of a plane and the widths on the lines through the point `through`, default the peak itself.

    As published, the half level is half the value at the field's own peak index on that line, wherever the line runs.
    """
    masked = np.full(amplitude.shape, -1.0)
    masked[protocol.peak_planes] = np.nan_to_num(amplitude[protocol.peak_planes])
    x, y = (int(i) for i in np.unravel_index(int(np.argmax(masked)), amplitude.shape))
    line_x, line_y = through or (x, y)
    axial, lateral = amplitude[:, line_y], amplitude[line_x]
    return Reading(
        peak_index=(x, y),
        peak_pressure=float(amplitude[x, y]),
        axial_width_6db=full_width(axial, x, spacing) if protocol.axial_width else np.nan,
        axial_width_3db=full_width(axial**2, x, spacing) if protocol.axial_width else np.nan,
        lateral_width_6db=full_width(lateral, y, spacing),
        lateral_width_3db=full_width(lateral**2, y, spacing),
    )


def behind_exit_plane(amplitude: Float[np.ndarray, "x y"], protocol: Protocol) -> Float[np.ndarray, "x y"]:
    """The field with zeros before the exit plane."""
    return np.where(np.arange(len(amplitude))[:, None] >= protocol.exit_plane, amplitude, 0.0)


def full_width(profile: Float[np.ndarray, " x"], peak: int, spacing: float) -> float:
    """Full width at half of the value at index `peak`, linearly interpolated [m]; NaN where the profile stays above."""
    half = 0.5 * profile[peak]
    ends = []
    for direction in (-1, 1):
        side = profile[peak::direction]
        below = np.flatnonzero(~(side > half))
        if not len(below) or below[0] == 0:
            return np.nan
        i = int(below[0])
        ends.append(i - 1 + (side[i - 1] - half) / (side[i - 1] - side[i]))
    return float(spacing * sum(ends))
