"""Batches: every sample once an epoch, the same in every run, from any step, on any number of hosts."""

from itertools import islice

import jax
import numpy as np
import pytest

from fieldcast.datasets.batches import mixed_batches, shuffled_batches

SOURCE = np.arange(10)


def take(batches, number, step=0):
    return [jax.tree.map(np.copy, batch) for batch in islice(batches.from_step(step), number)]


def disturbed(sample, rng):
    return {"sample": sample, "number": rng.integers(2**62)}


@pytest.mark.parametrize("batch_size", [2, 4, 25])
def test_every_sample_comes_once_an_epoch_in_a_new_order(batch_size):
    """Also where batches reach over the end of an epoch, or over several epochs."""
    drawn = np.concatenate(take(shuffled_batches(SOURCE, batch_size, seed=0), 200 // batch_size))
    epochs = drawn.reshape(20, 10)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(SOURCE, (20, 1)))
    assert len(np.unique(epochs, axis=0)) == 20


def test_shuffling_leaves_no_place_to_any_sample():
    """Over many epochs every sample is about as often at every place: chi-squared with 81 degrees of freedom."""
    epochs = np.concatenate(take(shuffled_batches(SOURCE, 100, seed=0, num_threads=0), 30)).reshape(-1, 10)
    counts = np.stack([np.bincount(place, minlength=10) for place in epochs.T])
    expected = len(epochs) / 10
    assert np.sum((counts - expected) ** 2 / expected) < 81 + 5 * np.sqrt(2 * 81)


def test_seeds_give_different_orders_in_all_epochs():
    """No epoch by one seed is some epoch by its neighbour."""
    first, second = (np.concatenate(take(shuffled_batches(SOURCE, 10, seed), 8)).reshape(8, 10) for seed in (0, 1))
    assert len(np.unique(np.concatenate([first, second]), axis=0)) == 16


@pytest.mark.parametrize("num_threads", [0, 3])
def test_any_step_is_found_at_once(num_threads):
    """The transform's randomness too; step 10^12 would otherwise take days."""
    batches = shuffled_batches(SOURCE, 4, seed=1, transform=disturbed, num_threads=num_threads)
    whole = take(batches, 9)
    jax.tree.map(np.testing.assert_array_equal, take(batches, 4, step=5), whole[5:])
    again = take(shuffled_batches(SOURCE, 4, seed=1, transform=disturbed, num_threads=1), 9)
    jax.tree.map(np.testing.assert_array_equal, again, whole)
    assert take(batches, 1, step=10**12)[0]["sample"].shape == (4,)


def test_randomness_of_the_transform():
    """New numbers for every sample in every epoch, other ones by another seed, the same by another batch size."""
    first = take(shuffled_batches(SOURCE, 10, seed=0, transform=disturbed), 4)
    numbers = np.concatenate([batch["number"] for batch in first])
    assert len(np.unique(numbers)) == 40
    halves = take(shuffled_batches(SOURCE, 5, seed=0, transform=disturbed), 8)
    np.testing.assert_array_equal(np.concatenate([batch["number"] for batch in halves]), numbers)
    other = take(shuffled_batches(SOURCE, 10, seed=1, transform=disturbed), 4)
    assert not np.isin(np.concatenate([batch["number"] for batch in other]), numbers).any()


def test_hosts_share_every_batch():
    whole = take(shuffled_batches(SOURCE, 6, seed=2, transform=disturbed), 7, step=3)
    parts = [
        take(shuffled_batches(SOURCE, 6, seed=2, transform=disturbed, host_index=host, num_hosts=3), 7, step=3)
        for host in range(3)
    ]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert [len(share["sample"]) for share in shares] == [2, 2, 2]
        jax.tree.map(lambda all_, *some: np.testing.assert_array_equal(np.concatenate(some), all_), batch, *shares)


def test_mixed_sets_take_turns_by_their_weights():
    """Each batch is of one set; each set goes on where its last turn ended."""
    sets = [shuffled_batches(np.arange(1000 * k, 1000 * k + 10 + k), 2, seed=k) for k in range(3)]
    mixed = take(mixed_batches(sets, [1, 2, 0.5]), 70)
    owner = np.array([np.unique(batch // 1000) for batch in mixed])[:, 0]
    shares = np.cumsum(owner[:, None] == np.arange(3), axis=0)
    due = np.arange(1, 71)[:, None] * np.array([2, 4, 1]) / 7
    assert np.max(np.abs(shares - due)) < len(sets)
    for k, batches in enumerate(sets):
        own = [batch for batch, number in zip(mixed, owner, strict=True) if number == k]
        np.testing.assert_array_equal(own, take(batches, len(own)))
    np.testing.assert_array_equal(take(mixed_batches(sets, [1, 2, 0.5]), 20, step=50), mixed[50:])


def test_samples_of_other_shapes_can_be_mixed_but_not_batched():
    small, large = (shuffled_batches(np.zeros((3, size)), 2, seed=0) for size in (4, 8))
    assert {batch.shape for batch in take(mixed_batches([small, large]), 4)} == {(2, 4), (2, 8)}
    with pytest.raises(ValueError, match="same structure"):
        take(shuffled_batches([np.zeros(4), np.zeros(8)], 2, seed=0), 1)


@pytest.mark.parametrize("num_threads", [0, 2])
def test_an_error_of_the_source_reaches_the_consumer(num_threads):
    """After it nothing comes any more: a batch silently left out would be the worse end."""

    class Broken:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            if index == 3:
                raise OSError("the disk is gone")
            return np.asarray(index)

    drawn, batches = [], shuffled_batches(Broken(), 1, seed=0, num_threads=num_threads).from_step(0)
    with pytest.raises(OSError, match="the disk is gone"):
        drawn.extend(batches)
    assert 3 not in drawn
    assert list(batches) == []


def test_unusable_arguments_are_refused():
    with pytest.raises(ValueError, match="no samples"):
        shuffled_batches([], 2, seed=0)
    with pytest.raises(ValueError, match="4 samples cannot be divided evenly among 3 hosts"):
        shuffled_batches(SOURCE, 4, seed=0, num_hosts=3)
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        shuffled_batches(SOURCE, 4, seed=0, num_hosts=2, host_index=2)
    with pytest.raises(ValueError, match="from 0, got -1"):
        shuffled_batches(SOURCE, 4, seed=0).from_step(-1)
    with pytest.raises(ValueError, match="positive weight for every set"):
        mixed_batches([shuffled_batches(SOURCE, 4, seed=0)], [1, 1])
    with pytest.raises(ValueError, match="got 0 sets"):
        mixed_batches([])
