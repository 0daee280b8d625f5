"""TensorFlow's checkpoints (tensor bundles) of float32 tensors, read without TensorFlow.

A bundle `model.ckpt` has two files that matter. `model.ckpt.index` is a sorted string table, as
LevelDB has it: blocks of keys and values, where of a key only what differs from the one before is
written. A block is followed by how it is compressed, and by its checksum; at the end of the file
stands where the block is that lists the others. The value of the key "" is the bundle's header,
that of a tensor's name an entry: its type and shape, and where it lies in
`model.ckpt.data-00000-of-00001`, raw. Both are protocol buffers. Checksums are CRC-32C, masked.
Nothing of a file is ever executed.

The formats: tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/lib/io/format.h, and
LevelDB's doc/table_format.md.
"""

import struct
from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path

import numpy as np

from dap.errors import DapError

INDEX, DATA = ".index", ".data-00000-of-00001"
MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES, TRAILER_BYTES = 48, 5
FLOAT32 = 1  # of DataType
CASTAGNOLI = 0x82F63B78  # reversed
MASK = 0xA282EAD8


class _DamagedError(Exception):
    """What is wrong with a file, in words."""


def read(prefix: Path) -> dict[str, np.ndarray]:
    """All tensors of a checkpoint by name, float32, each checked against its checksum.

    Args:
        prefix: the path that `.index` and `.data-00000-of-00001` follow.

    Raises:
        DapError: a file is missing, cut, damaged or of another kind, or holds what is not read
            here: compressed blocks, several files of data, big-endian numbers, other types than
            float32. The message names the file.
    """
    index, data = (prefix.with_name(prefix.name + ending) for ending in (INDEX, DATA))
    contents = {}
    for path in (index, data):
        try:
            contents[path] = path.read_bytes()
        except OSError as error:
            raise DapError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        entries = _entries(contents[index])
    except _DamagedError as error:
        raise DapError(f"{index}: is no index of a TensorFlow checkpoint: {error}") from error
    try:
        return {name: _tensor(name, *entry, contents[data]) for name, entry in entries.items()}
    except _DamagedError as error:
        raise DapError(f"{data}: is not the data of {index.name}: {error}") from error


# ------------------------------------------------------------------ the index


def _entries(content: bytes) -> dict[str, tuple[tuple[int, ...], int, int, int]]:
    """Of each tensor its shape, where it begins and ends, and its checksum."""
    if len(content) < FOOTER_BYTES:
        raise _DamagedError(f"it has {len(content)} bytes, too few")
    footer = content[-FOOTER_BYTES:]
    if int.from_bytes(footer[-8:], "little") != MAGIC:
        raise _DamagedError("its last bytes are not those of one, or it was cut")
    _, position = _handle(footer, 0)  # of the block of what else there is: nothing
    blocks, _ = _handle(footer, position)
    table: dict[bytes, bytes] = {}
    for _, value in _block(content, *blocks):
        table.update(_block(content, *_handle(value, 0)[0]))
    header = _message(table.pop(b"", b""))
    if _number(header, 1) != 1:
        raise _DamagedError("it does not tell of one file of data")
    if _number(header, 2):
        raise _DamagedError("its numbers are big-endian, which is not read here")
    return {key.decode("utf-8", "replace"): _entry(key, value) for key, value in table.items()}


def _entry(key: bytes, value: bytes) -> tuple[tuple[int, ...], int, int, int]:
    name, fields = key.decode("utf-8", "replace"), _message(value)
    kind, shard, offset, size, checksum = (_number(fields, number) for number in (1, 3, 4, 5, 6))
    if 7 in fields:
        raise _DamagedError(f"{name} is in slices, which are not read here")
    if kind != FLOAT32:
        raise _DamagedError(f"{name} is of type {kind}: float32 alone is read here")
    if shard:
        raise _DamagedError(f"{name} is in another file of data")
    dimensions = [
        _message(_as_bytes(dimension))
        for shape in fields.get(2, [])
        for dimension in _message(_as_bytes(shape)).get(2, [])
    ]
    sizes = tuple(_number(dimension, 1) for dimension in dimensions)
    if size != 4 * prod(sizes):
        raise _DamagedError(f"{name} has the shape {sizes} and {size} bytes")
    return sizes, offset, offset + size, checksum


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the block at an offset, in their order."""
    end = offset + size
    if end + TRAILER_BYTES > len(content) - FOOTER_BYTES:
        raise _DamagedError("a block goes on past its end: it was cut")
    if crc32c(content[offset : end + 1]) != _unmasked(_uint32(content, end + 1)):
        raise _DamagedError("a block is not what its checksum says")
    if content[end]:
        raise _DamagedError("a block is compressed, which is not read here")
    block = content[offset:end]
    restarts = _uint32(block, len(block) - 4) if len(block) >= 4 else len(block)
    last = len(block) - 4 * (restarts + 1)
    if last < 0:
        raise _DamagedError("a block has no room for its entries")
    position, key = 0, b""
    while position < last:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + rest + length > last:
            raise _DamagedError("an entry goes on past the end of its block")
        key = key[:shared] + block[position : position + rest]
        position += rest
        yield key, block[position : position + length]
        position += length


def _handle(content: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and where the next number is."""
    offset, position = _varint(content, position)
    size, position = _varint(content, position)
    return (offset, size), position


# ------------------------------------------------------------------ the data


def _tensor(
    name: str, shape: tuple[int, ...], start: int, end: int, checksum: int, data: bytes
) -> np.ndarray:
    if end > len(data):
        raise _DamagedError(f"{name} ends at byte {end}, and there are {len(data)}: it was cut")
    raw = data[start:end]
    if crc32c(raw) != _unmasked(checksum):
        raise _DamagedError(f"{name} is not what its checksum says")
    return np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape)


# ------------------------------------------------------------------ numbers


def _message(content: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a protocol buffer: numbers, or bytes of what is text or a message again."""
    fields: dict[int, list[int | bytes]] = {}
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        value: int | bytes
        match tag & 7:
            case 0:
                value, position = _varint(content, position)
            case 1 | 5 as kind:
                end = position + (8 if kind == 1 else 4)
                value, position = int.from_bytes(content[position:end], "little"), end
            case 2:
                length, position = _varint(content, position)
                value, position = content[position : position + length], position + length
            case kind:
                raise _DamagedError(f"a field is of the kind {kind}, which is unknown")
        if position > len(content):
            raise _DamagedError("a field goes on past the end of its message")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _number(fields: dict[int, list[int | bytes]], number: int) -> int:
    """A field that is a number; 0 where it is not written."""
    value = fields.get(number, [0])[-1]
    if isinstance(value, bytes):
        raise _DamagedError("a text stands where a number should")
    return value


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _DamagedError("a number stands where a message should")
    return value


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and where the next one is."""
    number = 0
    for shift in range(0, 64, 7):
        if position >= len(content):
            raise _DamagedError("it ends in the middle of a number")
        byte = content[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
    raise _DamagedError("a number has too many bytes")


def _uint32(content: bytes, position: int) -> int:
    return struct.unpack_from("<I", content, position)[0]


def crc32c(content: bytes) -> int:
    """The CRC-32C (Castagnoli) of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, remainder = _remainders(), 0xFFFFFFFF
    for byte in content:
        remainder = table[(remainder ^ byte) & 255] ^ (remainder >> 8)
    return remainder ^ 0xFFFFFFFF


@cache
def _remainders() -> tuple[int, ...]:
    """Of each byte."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ CASTAGNOLI * (byte & 1)
        table.append(byte)
    return tuple(table)


def _unmasked(checksum: int) -> int:
    """A checksum that was rotated by 15 bits and added to, as it was before."""
    rotated = (checksum - MASK) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF
