"""IFactFormer: published parameter counts, kernels against explicit sums, quadrature, any resolution."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as reference
import optax
import pytest
from compiled import UNOPTIMISED, compiled
from random_weights import drawn, num_parameters

from fieldcast.surrogates.layers.axes import AbstractAxis, BoundedAxis, CountingAxis, PeriodicAxis
from fieldcast.surrogates.layers.factorised_attention import FactorisedAttention
from fieldcast.surrogates.layers.rotary import rotate
from fieldcast.surrogates.operators.ifactformer import IFactFormer

CHANNEL = (CountingAxis(4 * math.pi), CountingAxis(2.0), CountingAxis(4 * math.pi / 3))


def stretched(s):
    return 1.0 + np.tanh(2.0 * s - 1.0) / np.tanh(1.0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 1_163_331),
        ({"published_2025_02": True}, 1_181_763),
        ({"chained": True}, 1_071_171),
    ],
)
def test_published_number_of_parameters(settings, expected):
    model = eqx.filter_eval_shape(lambda key: IFactFormer(3, 3, CHANNEL, **settings, key=key), jax.random.key(0))
    assert num_parameters(model) + model.frequencies.size == expected
    assert model.frequencies.size == 144


@pytest.mark.parametrize(
    ("axis", "exact"),
    [(PeriodicAxis(3.0), 3.0 * 1.5), (BoundedAxis(stretched), 2.0 * 1.5)],
)
def test_quadrature_on_axes(axis, exact):
    """Of a function whose mean over the axis is 3 / 2."""
    length = 3.0 if isinstance(axis, PeriodicAxis) else 2.0
    x = 2 * math.pi * axis.coordinates(400) / length
    assert float((1.0 + np.cos(x) ** 2) @ axis.weights(400)) == pytest.approx(exact, rel=1e-4)


def test_rotated_products_depend_on_distances_only(x64, getkey):
    q, k = jax.random.normal(getkey(), (2, 1, 6))
    places = np.array([0.1, 0.3, 0.7])

    def product(r, s):
        return float((rotate(q, np.array([r])) @ rotate(k, np.array([s])).T)[0, 0])

    assert product(places[0], places[1]) == pytest.approx(product(places[0] + 0.4, places[1] + 0.4), rel=1e-12)
    first, second = np.asarray(q).reshape(2, 3)
    pairs = (first + 1j * second) * np.exp(64j * 0.7 * 10_000.0 ** (-np.arange(3) / 3))
    np.testing.assert_allclose(rotate(q, places[2:])[0], [*pairs.real, *pairs.imag], atol=1e-12)


def turned(x, coordinates):
    """Features of `[head, point, feature]` as complex pairs, turned one after the other."""
    half = x.shape[-1] // 2
    z = x[..., :half] + 1j * x[..., half:]
    return z * np.exp(64j * np.multiply.outer(coordinates, 10_000.0 ** (-np.arange(half) / half)))


def attention(x, layer, axes):
    """Kernels by explicit sums over features, integrals by explicit sums over points."""
    grid = x.shape[1:]
    weights = [axis.weights(n) for axis, n in zip(axes, grid, strict=True)]
    features = reference.pointwise(x, layer.features)
    heads = layer.kernels[0].num_heads
    v = reference.pointwise(x, layer.values).reshape(heads, -1, *grid)
    parts = []
    for a, kernel in enumerate(layer.kernels):
        pooled = reference.pointwise(features, kernel.reduce)
        for b in reversed(range(len(grid))):
            if b != a:
                pooled = np.average(pooled, axis=b + 1, weights=weights[b])
        value, gate = np.split(reference.pointwise(reference.layer_norm(pooled, kernel.norm), kernel.expand), 2)
        pooled = reference.pointwise(reference.gelu(value) * gate, kernel.contract)
        q, k = (
            turned(
                np.swapaxes((reference.values(w) @ pooled).reshape(heads, -1, grid[a]), 1, 2),
                axes[a].coordinates(grid[a]),
            )
            for w in (kernel.queries, kernel.keys)
        )
        integral = np.zeros_like(v)
        lines, out = np.moveaxis(v, a + 2, -1), np.moveaxis(integral, a + 2, -1)
        for h, i, j in np.ndindex(heads, grid[a], grid[a]):
            out[h, ..., i] += np.real(q[h, i] @ k[h, j].conj()) * lines[h, ..., j] * weights[a][j]
        v = integral if layer.chained else v
        parts.append(integral)
    return (v if layer.chained else np.concatenate(parts, axis=1)).reshape(-1, *grid)


@pytest.mark.parametrize("chained", [True, False])
@pytest.mark.parametrize("shape", [(4,), (4, 5), (3, 4, 2)])
def test_attention_is_a_sum_over_points(shape, chained, x64):
    axes = (PeriodicAxis(2.0), BoundedAxis(stretched), PeriodicAxis(1.0))[: len(shape)]
    layer = drawn(lambda key: FactorisedAttention(3, len(shape), 2, 3, 6, chained, key=key))
    x = np.random.default_rng(1).normal(size=(3, *shape))
    answer = compiled(lambda x: layer(x, axes))(jnp.asarray(x))
    np.testing.assert_allclose(answer, attention(x, layer, axes), rtol=1e-10, atol=1e-10)


def dense(model, u, published=False):
    grid = u.shape[1:]
    weights = [axis.weights(n) for axis, n in zip(model.axes, grid, strict=True)]
    stem = [
        reference.gelu(w * channel + b)
        for channel, *wb in zip(u, model.stem_weight, model.stem_bias, strict=True)
        for w, b in zip(*(reference.values(p) for p in wb), strict=True)
    ]
    x = reference.pointwise(np.stack(stem), model.lift)
    points = np.meshgrid(*(axis.coordinates(n) for axis, n in zip(model.axes, grid, strict=True)), indexing="ij")
    phases = 2 * math.pi * np.einsum("af,a...->f...", reference.values(model.frequencies), np.stack(points))
    x = x + reference.pointwise(np.concatenate([np.sin(phases), np.cos(phases)]), model.position)
    for _ in range(model.num_iterations):
        y = attention(reference.layer_norm(x, model.layer.norm), model.layer.attention, model.axes)
        if published:  # in each plane of the first axis, over all channels
            y = reference.standardised(y, (0, *range(2, y.ndim)))
        else:
            share = weights[0]
            for w in weights[1:]:
                share = np.multiply.outer(share, w)
            flat = y.reshape(len(y), -1)
            mean = np.average(flat, axis=1, weights=share.ravel())[:, None]
            variance = np.average((flat - mean) ** 2, axis=1, weights=share.ravel())[:, None]
            y = ((flat - mean) / np.sqrt(variance + 1e-5)).reshape(y.shape)
        maps = model.layer.maps
        y = reference.pointwise(reference.gelu(reference.pointwise(y, maps[0])), maps[1])
        if len(maps) == 4:
            y = reference.pointwise(reference.gelu(reference.pointwise(y, maps[2])), maps[3])
        x = x + y / model.num_iterations
    return reference.pointwise(reference.gelu(reference.pointwise(x, model.head[0])), model.head[1])


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((4, 5, 3), {}),
        ((3, 4, 2), {"published_2025_02": True}),
        ((4, 3), {"chained": True}),
    ],
)
def test_layer_by_layer(shape, settings, x64):
    axes = (PeriodicAxis(2.0), BoundedAxis(stretched), PeriodicAxis(1.0))[: len(shape)]
    if settings.get("published_2025_02"):
        axes = CHANNEL
    model = drawn(lambda key: IFactFormer(2, 3, axes, 4, 2, 3, **settings, key=key))
    u = np.random.default_rng(2).normal(size=(2, *shape))
    answer = compiled(model)(jnp.asarray(u))
    np.testing.assert_allclose(answer, dense(model, u, "published_2025_02" in settings), rtol=1e-9, atol=1e-9)


class Counted(AbstractAxis):
    """Points of a bounded axis, all of weight one."""

    axis: BoundedAxis

    def coordinates(self, num_points):
        return self.axis.coordinates(num_points)

    def weights(self, num_points):
        return np.ones(num_points)


def uniform(s):
    return 2.0 * s


@pytest.mark.parametrize("quadrature", [True, False])
def test_answers_are_those_of_the_function_not_of_the_distribution_of_points(quadrature, x64):
    """At both walls and in the middle, on two grids of other points; with weights of one they never agree."""

    def answer(mapping, num_points):
        axis = BoundedAxis(mapping) if quadrature else Counted(BoundedAxis(mapping))
        model = drawn(lambda key: IFactFormer(1, 1, (axis, PeriodicAxis(1.0)), 4, 1, 2, key=key))
        y, z = np.meshgrid(axis.coordinates(num_points), np.arange(4) / 4, indexing="ij")
        u = jnp.asarray(np.cos(math.pi * y + 2 * math.pi * z) + y)[None]
        return np.asarray(compiled(model)(u))[:, :: num_points // 2]

    coarse, fine = (np.max(abs(answer(uniform, n) - answer(stretched, n))) for n in (65, 257))
    assert coarse > 1e-9
    assert (fine < 0.2 * coarse) == quadrature


def test_weight_decay_reaches_parameters_only(x64):
    """That gradients reach all of them is part of the contract of all operators."""
    model = drawn(lambda key: IFactFormer(2, 1, (PeriodicAxis(2.0),), 4, 2, 2, key=key))
    optimiser = optax.adamw(1e-2, weight_decay=1.0)
    parameters, static = eqx.partition(model, eqx.is_inexact_array)

    def step(parameters):
        gradient = jax.tree.map(jnp.zeros_like, parameters)
        updates, _ = optimiser.update(gradient, optimiser.init(parameters), parameters)
        return eqx.apply_updates(parameters, updates)

    with jax.numpy_dtype_promotion("standard"):
        decayed = eqx.combine(compiled(step)(parameters), static)
    np.testing.assert_allclose(decayed.position.weight, 0.99 * model.position.weight, rtol=1e-12)
    np.testing.assert_array_equal(decayed.frequencies, model.frequencies)
    assert np.std(model.frequencies) > 4.0


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="must be even"):
        IFactFormer(1, 1, CHANNEL, 5, key=jax.random.key(0))
    model = drawn(lambda key: IFactFormer(2, 1, CHANNEL, 4, 1, 1, key=key))
    with pytest.raises(ValueError, match="on 3 axes"):
        eqx.filter_eval_shape(model, jnp.zeros((2, 4, 4)))


def test_a_training_step_fits_in_one_and_a_half_gibibytes():
    """On the grid of the turbulent channel; keeping what all ten iterations compute would take more."""
    shape = eqx.filter_eval_shape(lambda key: IFactFormer(3, 3, CHANNEL, key=key), jax.random.key(0))
    arrays, static = eqx.partition(shape, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    field = jax.ShapeDtypeStruct((3, 32, 33, 16), jnp.float32)

    def loss(arrays, u, target):
        return jnp.sum((eqx.combine(arrays, static)(u) - target) ** 2)

    step = jax.jit(jax.value_and_grad(loss), compiler_options=UNOPTIMISED).lower(arrays, field, field).compile()
    size = step.memory_analysis()
    assert size.temp_size_in_bytes + size.argument_size_in_bytes + size.output_size_in_bytes < 1.5 * 2**30
