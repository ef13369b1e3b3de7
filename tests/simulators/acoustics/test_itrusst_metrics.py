"""The published metrics on arrays small enough to work out by hand."""

import math

import numpy as np
import pytest

from fieldcast.simulators.acoustics.itrusst import CASES
from fieldcast.simulators.acoustics.itrusst_metrics import Protocol, differences, full_width, protocol, read

RULES = Protocol(exit_plane=1, peak_planes=range(2, 6))


def plane():
    """A peak of 8 at (3, 2), over a row that is 1 elsewhere, with something loud before the exit plane."""
    axial, lateral = np.asarray([9.0, 2.0, 4.0, 8.0, 6.0, 2.0]), np.asarray([0.0, 0.5, 1.0, 0.25, 0.0])
    return axial[:, None] * lateral


def test_full_width_is_interpolated():
    assert full_width(np.asarray([0.0, 1.0, 4.0, 3.0, 1.0]), 2, 0.5) == pytest.approx(0.5 * (2 / 3 + 1.5))


@pytest.mark.parametrize("profile", [[3.0, 4.0, 1.0], [1.0, 4.0, 3.0], [0.0, 0.0, 0.0]])
def test_no_width_where_the_half_is_never_crossed(profile):
    assert math.isnan(full_width(np.asarray(profile), 1, 1.0))


def test_reading():
    found = read(plane(), RULES, 1e-3)
    assert found.peak_index == (3, 2)
    assert found.peak_pressure == 8.0
    assert found.axial_width_6db == pytest.approx(1e-3 * (1.0 + 1.5))
    # Half of 64 lies between 16 and 64 before the peak, between 36 and 4 behind it.
    assert found.axial_width_3db == pytest.approx(1e-3 * (32 / 48 + 1 + 4 / 32))
    assert found.lateral_width_6db == pytest.approx(1e-3 * (1.0 + 0.5 / 0.75))


def test_identical_fields_do_not_differ():
    found = differences(plane(), plane(), RULES, 1e-3)
    assert vars(found) == dict.fromkeys(vars(found), 0.0)


def test_differences_by_hand():
    reference, other = plane(), plane()
    other[0] = 100.0  # before the exit plane
    other[4, 3] = 9.0
    found = differences(reference, other, RULES, 0.5e-3)
    gap = 9.0 - 1.5
    norm = math.sqrt((4 + 16 + 64 + 36 + 4) * (0.25 + 1 + 0.0625))
    assert found.linf_percent == pytest.approx(100 * gap / 8)
    assert found.l2_percent == pytest.approx(100 * gap / norm)
    assert found.peak_pressure_percent == pytest.approx(12.5)
    assert found.peak_position_mm == pytest.approx(0.5 * math.sqrt(2))


def test_widths_are_signed_and_on_the_lines_through_the_peak_of_the_reference():
    """The other field's half level is half its value at its own index, on the reference's line."""
    reference, other = np.zeros((7, 5)), np.zeros((7, 5))
    reference[:, 2] = [0, 0, 4, 8, 4, 0, 0]
    reference[3, [1, 3]] = 2
    other[:, 2] = [0, 0, 3, 6, 9, 3, 0]
    other[3, [1, 3]] = 5
    found = differences(reference, other, Protocol(0, range(7)), 1e-3)
    assert found.peak_position_mm == pytest.approx(1.0)
    assert found.axial_width_6db_mm == pytest.approx(2.0 - (1.5 + 0.75))
    # On row 3 half of 6 is 3, reached 1.4 points from the middle; the reference reaches 4 after 2/3.
    assert found.lateral_width_6db_mm == pytest.approx(2 * (4 / 6 - 1.4))


def test_undefined_points_are_skipped():
    reference, other = plane(), plane()
    other[5, 0] = reference[1, 4] = np.nan
    other[2, 2] = 5.0
    found = differences(reference, other, RULES, 1e-3)
    norm = math.sqrt((4 + 16 + 64 + 36 + 4) * (0.25 + 1 + 0.0625))
    assert found.linf_percent == pytest.approx(12.5)
    assert found.l2_percent == pytest.approx(100 / norm)


def test_fields_on_different_grids_are_refused():
    with pytest.raises(ValueError, match="one grid"):
        differences(plane(), plane()[:-1], RULES, 1e-3)


def test_published_protocols():
    """MATLAB counts from 1: exit plane 20 or 2, focal mask from 75, lateral profile at 121."""
    everywhere, fixed = range(74, 241), range(120, 121)
    assert protocol(CASES["BM3-SC1"]) == Protocol(19, everywhere)
    assert protocol(CASES["BM1-SC2"]) == Protocol(1, everywhere)
    for name in ("BM2-SC2", "BM3-SC2", "BM6-SC2"):
        assert protocol(CASES[name]) == Protocol(1, fixed, axial_width=False)


def test_no_axial_width_at_a_fixed_plane():
    found = differences(plane(), plane(), Protocol(1, range(3, 4), axial_width=False), 1e-3)
    assert math.isnan(found.axial_width_6db_mm)
    assert math.isnan(found.axial_width_3db_mm)
    assert found.lateral_width_3db_mm == 0.0
