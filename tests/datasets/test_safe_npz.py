"""Archives from strangers: refused before they can harm."""

import pickle
import struct
import zipfile

import numpy as np
import pytest

from fieldcast.datasets.safe_npz import read_arrays

MOST = 10_000_000
NAMES = ("ct", "pmap")


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    return {"ct": generator.standard_normal((4, 5, 6)).astype(np.float32), "pmap": np.arange(7)}


@pytest.fixture
def archive(tmp_path, arrays):
    np.savez_compressed(tmp_path / "good.npz", **arrays)
    return tmp_path / "good.npz"


class Harmful:
    """What a pickle can do."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was executed",)


def npy(shape, descr="<f4", payload=b"", version=(1, 0)) -> bytes:
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(header) + 1) + header + b"\n" + payload


def pack(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stream:
        for name, content in members:
            stream.writestr(name, content)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_good_archives_are_read(save, tmp_path, arrays):
    arrays["ct"] = np.asfortranarray(arrays["ct"])
    save(tmp_path / "good.npz", **arrays)
    found = read_arrays(tmp_path / "good.npz", NAMES, MOST)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


GOOD = npy((2,), payload=b"\0" * 8)
HOSTILE = {
    "an object array": (lambda: [("ct.npy", npy((1,), "|O", pickle.dumps(Harmful()))), ("pmap.npy", GOOD)], "objects"),
    "objects in a record": (lambda: [("ct.npy", npy((1,), [("a", "|O")], b"\0" * 8)), ("pmap.npy", GOOD)], "objects"),
    "a traversal": (lambda: [("ct.npy", GOOD), ("pmap.npy", GOOD), ("../../evil.npy", GOOD)], r"'\.\./\.\./evil\.npy'"),
    "an absolute name": (lambda: [("/etc/passwd", GOOD), ("ct.npy", GOOD), ("pmap.npy", GOOD)], "'/etc/passwd'"),
    "a missing array": (lambda: [("ct.npy", GOOD)], r"lacks pmap\.npy"),
    "a zip bomb": (lambda: [("ct.npy", npy((12_500_000,), "<i1", bytes(12_500_000))), ("pmap.npy", GOOD)], "allowed"),
    "a header of terabytes": (lambda: [("ct.npy", npy((10**6, 10**6))), ("pmap.npy", GOOD)], "4000000000000 bytes"),
    "more than it holds": (lambda: [("ct.npy", npy((3,), payload=b"\0" * 8)), ("pmap.npy", GOOD)], "claims an array"),
    "less than it holds": (lambda: [("ct.npy", npy((1,), payload=b"\0" * 8)), ("pmap.npy", GOOD)], "claims an array"),
    "a negative shape": (lambda: [("ct.npy", npy((-1, 2), payload=b"\0" * 8)), ("pmap.npy", GOOD)], "claims an array"),
    "code in the header": (lambda: [("ct.npy", npy("exit()", payload=b"")), ("pmap.npy", GOOD)], "refused"),
    "no array": (lambda: [("ct.npy", b"not an array"), ("pmap.npy", GOOD)], "refused"),
    "a strange version": (lambda: [("ct.npy", npy((1,), version=(9, 0))), ("pmap.npy", GOOD)], "version"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refuses(case, tmp_path):
    members, match = HOSTILE[case]
    pack(tmp_path / "bad.npz", members())
    with pytest.raises(ValueError, match=match):
        read_arrays(tmp_path / "bad.npz", NAMES, MOST)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_two_members_of_one_name(tmp_path):
    pack(tmp_path / "bad.npz", [("ct.npy", GOOD), ("pmap.npy", GOOD), ("ct.npy", npy((1,), payload=b"\0" * 4))])
    with pytest.raises(ValueError, match="two members of one name"):
        read_arrays(tmp_path / "bad.npz", NAMES, MOST)


@pytest.mark.parametrize("content", [pickle.dumps(Harmful()), b"", b"PK\x03\x04" + bytes(100), GOOD])
def test_refuses_what_is_no_archive(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(ValueError, match="not a sound NumPy archive"):
        read_arrays(tmp_path / "bad.npz", NAMES, MOST)


def test_a_member_longer_than_it_says_is_refused(archive):
    """A directory that understates the size of a member does not get more into memory."""
    content = bytearray(archive.read_bytes())
    entry = content.index(b"PK\x01\x02")
    size = struct.unpack_from("<I", content, entry + 24)[0]
    struct.pack_into("<I", content, entry + 24, size - 4)
    archive.write_bytes(content)
    with pytest.raises(ValueError, match="refused"):
        read_arrays(archive, NAMES, MOST)


def test_flipped_bits_and_cuts_are_refused_or_harmless(archive, arrays):
    whole = archive.read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for trial in range(120):
        damaged = bytearray(whole)
        if trial % 2:
            damaged[generator.integers(len(whole))] ^= 1 << int(generator.integers(8))
        else:
            del damaged[generator.integers(len(whole)) :]
        archive.write_bytes(damaged)
        try:
            found = read_arrays(archive, NAMES, MOST)
        except ValueError:
            refused += 1
            continue
        for name, values in arrays.items():
            np.testing.assert_array_equal(found[name], values)
    assert refused > 100


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "nowhere.npz", NAMES, MOST)
