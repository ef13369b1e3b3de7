"""The contract that physics and surrogates share."""

import abc

import equinox as eqx

from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.scene import Scene


class FieldSolver(eqx.Module):
    """Anything that answers a scene with its steady-state pressure field.

        field = solve(scene)

    k-Wave, the analytic free field and every learned surrogate are one. A solver takes from the scene what it needs
    and refuses by name what is missing.
    """

    @abc.abstractmethod
    def __call__(self, scene: Scene) -> PressureField:
        """The steady-state pressure of `scene` on the scene's grid [Pa]."""
