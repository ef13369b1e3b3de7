"""Published profiles of turbulent channels, read from a folder of text files.

Expected are the files of Moser, Kim and Mansour (1999) as `mkm180_means.txt` and `mkm180_reystress.txt`, of Lee and
Moser (2015) as `lm180_means.txt` and `lm180_reystress.txt`, and five plain columns (y+, U+ and three root mean squares)
as `fdns180_profiles.txt` or `iufno180_profiles.txt`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

COMMENTS = ("#", "%")


@dataclass(frozen=True)
class ChannelReference:
    """Profiles from the wall to the centre, in wall units.

    **Arguments:**

    - `height`: distance from the wall, `y+`.
    - `mean`: mean streamwise velocity, `U+`.
    - `root_mean_square`: of the fluctuations, shape `(3, y)`.
    - `shear_stress`: `<u'v'>+`, negative; `None` where the file has none.
    """

    height: np.ndarray
    mean: np.ndarray
    root_mean_square: np.ndarray
    shear_stress: np.ndarray | None


def read_direct(folder: Path, name: str) -> ChannelReference:
    """A direct simulation's profiles: `name` is `mkm180` or `lm180`."""
    means = np.loadtxt(folder / f"{name}_means.txt", comments=COMMENTS)
    stress = np.loadtxt(folder / f"{name}_reystress.txt", comments=COMMENTS)
    return ChannelReference(means[:, 1], means[:, 2], np.sqrt(stress[:, 2:5].T), stress[:, 5])


def read_filtered(folder: Path, name: str) -> ChannelReference:
    """Profiles of a filtered simulation or a surrogate: `name` is `fdns180` or `iufno180`."""
    columns = np.loadtxt(folder / f"{name}_profiles.txt").T
    return ChannelReference(columns[0], columns[1], columns[2:5], None)
