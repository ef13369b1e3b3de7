"""On which devices a training runs, and what lies where."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

_AXIS = "batch"


@dataclass(frozen=True)
class Placement:
    """Samples spread over devices; weights and optimiser on each of them, or spread as well.

    The numbers are those of one device to rounding; only memory and time differ. With several hosts
    (`jax.distributed.initialize()` before anything else) every process runs the same program, and its batches are its
    own part of the whole (`shuffled_batches(..., host_index, num_hosts)`).

    **Arguments:**

    - `devices`: all of the program's, by default.
    - `shard_weights`: whether every array is cut along its longest divisible axis, so that each device holds a part of
      the weights and of the optimiser's state; arrays that no axis of which can be cut stay whole everywhere.
    """

    devices: tuple[jax.Device, ...] | None = None
    shard_weights: bool = False

    @property
    def mesh(self) -> Mesh:
        devices = self.devices or tuple(jax.devices())
        # Explicit axes, the default, would have every operator say how it is spread.
        return jax.make_mesh((len(devices),), (_AXIS,), devices=devices, axis_types=(AxisType.Auto,))

    def check(self, batch_size: int, num_micro_batches: int) -> None:
        """**Raises:** `ValueError` unless every device gets as many samples of every part of a batch."""
        number = self.mesh.size
        if batch_size % (number * num_micro_batches):
            raise ValueError(
                f"A batch of {batch_size} in {num_micro_batches} part(s) cannot be spread evenly over {number} "
                f"devices: choose a multiple of {number * num_micro_batches}, or fewer devices."
            )

    def spread(self, batch: PyTree[np.ndarray]) -> PyTree[jax.Array]:
        """This process's part of a batch, on its devices."""
        sharding = NamedSharding(self.mesh, PartitionSpec(_AXIS))
        return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, leaf), batch)

    def sharding(self, leaf: jax.Array | jax.ShapeDtypeStruct) -> NamedSharding:
        """How an array of the state lies."""
        return NamedSharding(self.mesh, self._spec(leaf.shape))

    def place(self, state: PyTree) -> PyTree:
        """The arrays of `state` where they shall lie; under jit, a constraint on where they do.

        Never the same memory as before, so that a caller keeps its own.
        """

        def placed(leaf):
            if isinstance(leaf, jax.core.Tracer):
                return jax.lax.with_sharding_constraint(leaf, self.sharding(leaf))
            return jax.device_put(np.asarray(leaf), self.sharding(leaf))

        return jax.tree.map(lambda leaf: placed(leaf) if eqx.is_array(leaf) else leaf, state)

    def whole(self, tree: PyTree) -> PyTree:
        """Copies of the arrays in full, on one device of this process, for what is not spread: validation, release."""
        everywhere = NamedSharding(self.mesh, PartitionSpec())

        def gathered(leaf):
            if leaf.is_fully_replicated:
                return leaf
            return jax.jit(lambda x: x, out_shardings=everywhere)(leaf)

        return jax.tree.map(
            lambda leaf: jnp.array(gathered(leaf).addressable_data(0)) if eqx.is_array(leaf) else leaf, tree
        )

    def _spec(self, shape: tuple[int, ...]) -> PartitionSpec:
        number = self.mesh.size
        divisible = [axis for axis, length in enumerate(shape) if length % number == 0]
        if not self.shard_weights or not divisible:
            return PartitionSpec()
        longest = max(divisible, key=lambda axis: shape[axis])
        return PartitionSpec(*(_AXIS if axis == longest else None for axis in range(len(shape))))
