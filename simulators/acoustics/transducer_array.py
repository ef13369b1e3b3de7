"""Transducers of many elements."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.transducer import SurfaceSamples, Transducer


class TransducerArray(Transducer):
    """Equal elements, each with its own position, axis, surface pressure and phase.

    The elements are one transducer whose arrays have a leading axis, so that phases are steered as one array:

        array = TransducerArray.of([Piston(...), Piston(...), ...])
        steered = eqx.tree_at(lambda a: a.elements.phase, array, phases)

    **Arguments:**

    - `elements`: a `FocusedBowl` or `Piston` with a leading `element` axis on each array, as `jax.vmap` makes it.

    Differentiable in all that the elements are differentiable in.
    """

    elements: Transducer

    @staticmethod
    def of(elements: Sequence[Transducer]) -> "TransducerArray":
        """The array of these elements, which must agree in kind, size and frequency."""
        structures = {jax.tree.structure(element) for element in elements}
        if len(structures) != 1:
            raise ValueError(
                f"An array needs at least one element, and all of one kind, size and frequency; got {len(elements)} of "
                f"{len(structures)} kinds."
            )
        return TransducerArray(jax.tree.map(lambda *leaves: jnp.stack(leaves), *elements))

    @property
    def frequency(self) -> float:
        """[Hz]"""
        return self.elements.frequency

    @property
    def position(self) -> Float[Array, " axis"]:
        """Mean of the elements' positions [m]."""
        return jnp.mean(self.elements.position, axis=0)

    @property
    def num_elements(self) -> int:
        return jax.tree.leaves(self.elements)[0].shape[0]

    @property
    def ndim(self) -> int:
        return self.elements.position.shape[-1]

    def surface_points(self, num_points: int) -> Float[Array, "point axis"]:
        """Points spread evenly over the elements, at least one on each, in world coordinates [m]."""
        each = max(1, num_points // self.num_elements)
        return eqx.filter_vmap(lambda element: element.surface_points(each))(self.elements).reshape(-1, self.ndim)

    def samples(self, distance: float) -> SurfaceSamples:
        """Points about `distance` [m] apart on all elements, by which smooth functions are integrated over them."""

        def samples(element: Transducer) -> SurfaceSamples:
            pieces = element.samples(distance)
            return eqx.tree_at(lambda p: p.phase, pieces, jnp.broadcast_to(pieces.phase, pieces.pressure.shape))

        pieces = eqx.filter_vmap(samples)(self.elements)
        return jax.tree.map(lambda leaf: leaf.reshape((-1, *leaf.shape[2:])), pieces)
