"""Checkpoints are read as TensorFlow wrote them, or refused in a line that names the file."""

import re

import numpy as np
import pytest
from small_checkpoint import field, small_network, write_checkpoint

from dap.errors import DapError
from dap.nn.tensor_bundle import crc32c, read

TENSORS = small_network() | {"a/very/long/name/" + "x" * 200: np.zeros((2, 0, 3), np.float32)}


@pytest.fixture
def prefix(tmp_path):
    write_checkpoint(tmp_path / "m.ckpt", TENSORS)
    return tmp_path / "m.ckpt"


def index(prefix):
    return prefix.with_name("m.ckpt.index")


def data(prefix):
    return prefix.with_name("m.ckpt.data-00000-of-00001")


@pytest.mark.parametrize("per_block", [1, 2, 5, 100])
def test_what_was_written_is_read(tmp_path, per_block):
    write_checkpoint(tmp_path / "m.ckpt", TENSORS, per_block=per_block)
    tensors = read(tmp_path / "m.ckpt")
    assert list(tensors) == sorted(TENSORS)
    for name, tensor in tensors.items():
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, TENSORS[name])


def test_checksums_are_those_of_the_standard():
    # RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"compression": 1}, "a block is compressed"),
        ({"field1": 2}, " is of type 2: float32 alone"),
        ({"field3": 1}, "is in another file of data"),
        ({"field7": b""}, "is in slices"),
        ({"field5": 4000}, "has the shape (2, 0, 3) and 4000 bytes"),
        ({"field4": b"x"}, "a text stands where a number should"),
        ({"field2": 3}, "a number stands where a message should"),
        ({"header": field(1, 2)}, "does not tell of one file of data"),
        ({"header": field(1, 1) + field(2, 1)}, "its numbers are big-endian"),
        ({"header": field(1, 1) + b"\x0b"}, "a field is of the kind 3, which is unknown"),
        ({"header": b"\x12\x7f"}, "a field goes on past the end of its message"),
        ({"header": b"\x08" + b"\xff" * 10}, "a number has too many bytes"),
    ],
)
def test_what_is_not_read_here(tmp_path, how, why):
    write_checkpoint(tmp_path / "m.ckpt", TENSORS, **how)
    with pytest.raises(DapError, match=re.escape(why)) as error:
        read(tmp_path / "m.ckpt")
    begin = f"{tmp_path / 'm.ckpt.index'}: is no index of a TensorFlow checkpoint: "
    assert str(error.value).startswith(begin)


@pytest.mark.parametrize("content", [b"", b"x" * 47, b"PK\x03\x04" * 100])
def test_a_foreign_index(prefix, content):
    index(prefix).write_bytes(content)
    with pytest.raises(DapError, match=r"m\.ckpt\.index: is no index of a TensorFlow checkpoint"):
        read(prefix)


def test_any_changed_byte_of_the_index_is_found(prefix):
    content = index(prefix).read_bytes()
    messages = []
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x41
        index(prefix).write_bytes(changed)
        try:
            # what fills the footer up, and the block that nobody reads
            assert list(read(prefix)) == sorted(TENSORS)
        except DapError as error:
            messages.append(str(error))
    assert len(messages) > len(content) - 60
    assert all("m.ckpt.index: is no index" in message for message in messages)


def test_any_cut_of_the_index_is_found(prefix):
    content = index(prefix).read_bytes()
    for size in range(0, len(content), 7):
        index(prefix).write_bytes(content[:size])
        with pytest.raises(DapError, match=r"m\.ckpt\.index: "):
            read(prefix)


def test_data_that_was_cut_or_changed(prefix):
    content = data(prefix).read_bytes()
    data(prefix).write_bytes(content[:-1])
    with pytest.raises(DapError, match=r"data-00000-of-00001: is not the data of m\.ckpt\.index: "):
        read(prefix)
    data(prefix).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DapError, match="se_fc_last/weights is not what its checksum says"):
        read(prefix)


@pytest.mark.parametrize("file", [index, data])
def test_a_file_that_is_missing(prefix, file):
    file(prefix).unlink()
    with pytest.raises(DapError, match=f"{re.escape(file(prefix).name)}: cannot be read: No such"):
        read(prefix)
