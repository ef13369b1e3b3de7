"""What every operator promises: gradients for all parameters, distinct initial values, batches, files."""

import io
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled

from fieldcast.surrogates.layers.axes import PeriodicAxis
from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.operators.classic_unet import ClassicUNet
from fieldcast.surrogates.operators.dilated_resnet import DilResNet
from fieldcast.surrogates.operators.ffno import FFNO
from fieldcast.surrogates.operators.fno import FNO
from fieldcast.surrogates.operators.ifactformer import IFactFormer
from fieldcast.surrogates.operators.ifno import IFNO
from fieldcast.surrogates.operators.local_fno import LocalFNO
from fieldcast.surrogates.operators.oformer import OFormer
from fieldcast.surrogates.operators.sinenet import SineNet
from fieldcast.surrogates.operators.unet import UNet
from fieldcast.surrogates.operators.vit import ViT


def local_fno(key):
    first, second, rest = jax.random.split(key, 3)
    local = [DifferentialConv(1, 4, 4, 16, key=first), LocalIntegralConv(1, 4, 4, 0.2, key=second)]
    return LocalFNO(2, 1, (4,), local, 4, 6, key=rest)


MODELS = {
    "ClassicUNet": lambda key: ClassicUNet(2, 1, 1, 4, 1, key=key),
    "DilResNet": lambda key: DilResNet(2, 1, 1, 4, 1, key=key),
    "FFNO": lambda key: FFNO(2, 1, 1, 3, 4, 2, key=key),
    "FNO": lambda key: FNO(2, 1, (4,), 4, 2, 6, key=key),
    "IFNO": lambda key: IFNO(2, 1, (4,), 4, 3, 6, key=key),
    "IFactFormer": lambda key: IFactFormer(2, 1, (PeriodicAxis(1.0),), 4, 2, 2, key=key),
    "LocalFNO": local_fno,
    "OFormer": lambda key: OFormer(2, 1, (PeriodicAxis(1.0),), (4,), 4, 2, 1, key=key),
    "SineNet": lambda key: SineNet(2, 1, 1, 2, 4, 1.5, 1, key=key),
    "ViT": lambda key: ViT(2, 1, (2,), 4, 4, 1, 2, 5, key=key),
    "UNet": lambda key: UNet(2, 1, 1, 4, (1, 2), 1, key=key),
}


INERT = ".keys.bias"
"""A bias of keys adds the same to all scores, which softmax does not see."""


@pytest.mark.parametrize("name", MODELS)
def test_contract(name, numpy_random):
    model = MODELS[name](jax.random.key(0))
    batch = jnp.asarray(np.random.default_rng(0).normal(size=(2, 2, 8)), jnp.float32)

    def loss(arrays):
        answers = jax.vmap(eqx.combine(arrays, static))(batch)
        return jnp.sum(jnp.sin(3.0 * answers)), answers

    arrays, static = eqx.partition(model, eqx.is_array)
    gradient, answers = compiled(jax.grad(loss, has_aux=True))(arrays)
    assert answers.shape == (2, 1, 8)
    assert answers.dtype == jnp.float32

    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        parameter = jax.tree_util.keystr(path)
        if not parameter.endswith(INERT):
            assert 0.0 < float(np.max(np.abs(leaf))) < np.inf, parameter

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(model)]
    drawn = [leaf for leaf in leaves if np.ptp(leaf) > 0]
    assert len(drawn) > 3
    for one, other in itertools.combinations(drawn, 2):
        assert one.shape != other.shape or not np.allclose(one, other)

    file = io.BytesIO()
    eqx.tree_serialise_leaves(file, model)
    file.seek(0)
    loaded = eqx.tree_deserialise_leaves(file, MODELS[name](jax.random.key(1)))
    assert eqx.tree_equal(loaded, model)
