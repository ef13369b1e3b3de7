"""A scene: what a solver is asked about."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.medium import Medium, homogeneous
from fieldcast.simulators.acoustics.tissue import MarsacMueller, TissueMapping
from fieldcast.simulators.acoustics.transducer import Transducer
from fieldcast.simulators.grid import Grid


class Scene(eqx.Module):
    """A medium, a transducer in it, and, when the medium comes from an image, the head and the mapping that made it.

    Make one with `scene_from_head`, or from acoustic maps alone with `Scene(medium, transducer)`. A scene is a pytree:
    the maps, the CT and the transducer's pose, pressure and phase can be differentiated.

    **Arguments:**

    - `medium`: acoustic maps; their grid is the grid on which the field is wanted.
    - `transducer`.
    - `head`: the CT, on the same grid.
    - `mapping`: how the CT became the medium.
    """

    medium: Medium
    transducer: Transducer
    head: Head | None = None
    mapping: TissueMapping | None = None

    def __check_init__(self):
        if self.transducer.ndim != self.grid.ndim:
            raise ValueError(f"A {self.transducer.ndim}-D transducer does not fit a {self.grid.ndim}-D grid.")
        if self.head is not None and self.head.grid != self.grid:
            raise ValueError(
                f"The head and the medium must share one grid, got {self.head.grid} and {self.grid}; resample the head."
            )

    @property
    def grid(self) -> Grid:
        return self.medium.grid

    @property
    def frequency(self) -> float:
        """Working frequency [Hz]."""
        return self.transducer.frequency

    @property
    def focus_region(self) -> Bool[Array, "*space"] | None:
        """Where a focus is looked for: the brain's side of the skull, or anywhere when there is no head."""
        return None if self.head is None else jnp.asarray(self.head.focus_region)

    def in_water(self) -> "Scene":
        """The same transducer and grid without the head: the free field's scene."""
        return Scene(homogeneous(self.grid), self.transducer)


def scene_from_head(head: Head, transducer: Transducer, mapping: TissueMapping | None = None) -> Scene:
    """A scene whose medium is made from the CT by `mapping` (default: `MarsacMueller()`)."""
    mapping = MarsacMueller() if mapping is None else mapping
    return Scene(mapping(head, transducer.frequency), transducer, head, mapping)
