"""The choice of a solver for a dataset."""

from dataclasses import dataclass

import numpy as np

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kwave import KWave


@dataclass(frozen=True)
class KWaveChoice:
    """k-Wave's k-space pseudospectral time stepping (`KWave`).

    - `tolerance`: relative change of the field from period to period at which it counts as steady.
    - `double_precision`: instead of single.
    """

    tolerance: float = 0.005
    double_precision: bool = False

    def solver(self, threads: int | None = None) -> KWave:
        """The solver, with so many threads of the FFT; all cores when `None`."""
        precision = np.float64 if self.double_precision else np.float32
        return KWave(tolerance=self.tolerance, precision=precision, workers=threads, progress=False)


@dataclass(frozen=True)
class KSpaceChoice:
    """The same scheme in JAX, for CPU and GPU (`KSpace`).

    - `tolerance`: relative change of the field from period to period at which it counts as steady.
    """

    tolerance: float = 0.005

    def solver(self, threads: int | None = None) -> KSpace:
        """The solver; how many threads JAX takes is set before it starts."""
        return KSpace(tolerance=self.tolerance)


@dataclass(frozen=True)
class BornChoice:
    """The steady state as a linear equation, without time steps (`BornSeries`).

    - `tolerance`: largest relative residual.
    - `most_iterations`: when to give up.
    """

    tolerance: float = 1e-3
    most_iterations: int = 1000

    def solver(self, threads: int | None = None) -> BornSeries:
        """The solver; how many threads JAX takes is set before it starts."""
        return BornSeries(tolerance=self.tolerance, most_iterations=self.most_iterations)
