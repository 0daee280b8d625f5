"""Checkpoints of TensorFlow 1 in miniature, written from the format's description."""

import hashlib
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# of the network: (1, taps, in, out) kernels, the two factors, the offset
NAMES = ("weights", "w0", "w1", "BatchNorm/beta")


def checksum(content: bytes) -> bytes:
    """The masked CRC-32C, bit by bit."""
    remainder = 0xFFFFFFFF
    for byte in content:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (0x82F63B78 if remainder & 1 else 0)
    remainder ^= 0xFFFFFFFF
    rotated = (remainder >> 15 | remainder << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)


def varint(number: int) -> bytes:
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(shape, offset, raw, **other) -> bytes:
    sizes = b"".join(field(2, field(1, size)) for size in shape)
    fields = {1: 1, 2: sizes, 3: 0, 4: offset, 5: len(raw)} | {
        int(key.removeprefix("field")): value for key, value in other.items()
    }
    parts = [field(number, value) for number, value in fields.items() if value != 0]
    return b"".join(parts) + varint(6 << 3 | 5) + checksum(raw)


def block(pairs, compression=0) -> bytes:
    content, last = b"", b""
    for key, value in pairs:
        shared = 0
        while shared < min(len(key), len(last)) and key[shared] == last[shared]:
            shared += 1
        rest = key[shared:]
        content += varint(shared) + varint(len(rest)) + varint(len(value)) + rest + value
        last = key
    content += struct.pack("<II", 0, 1)
    return content + bytes([compression]) + checksum(content + bytes([compression]))


def write_checkpoint(
    prefix: Path,
    tensors: Mapping[str, np.ndarray],
    *,
    header: bytes = field(1, 1),
    compression: int = 0,
    per_block: int = 5,
    **other,
) -> None:
    """Write tensors as TensorFlow does.

    Args:
        header: of the bundle.
        compression: what is said of each block.
        per_block: how many entries a block has.
        other: fields of each tensor's entry, such as `field1=2` for another type.
    """
    data, pairs = b"", [(b"", header)]
    for name in sorted(tensors):
        raw = np.asarray(tensors[name], "<f4").tobytes()
        pairs.append((name.encode(), entry(tensors[name].shape, len(data), raw, **other)))
        data += raw
    index, handles = b"", []
    for first in range(0, len(pairs), per_block):
        part = pairs[first : first + per_block]
        written = block(part, compression)
        handles.append((part[-1][0], varint(len(index)) + varint(len(written) - 5)))
        index += written
    footer = b""
    for written in (block([]), block(handles)):  # what else there is, and the list of blocks
        footer += varint(len(index)) + varint(len(written) - 5)
        index += written
    index += footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    prefix.with_name(f"{prefix.name}.index").write_bytes(index)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)


def small_network(layers: int = 3, channels: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    """The tensors of a small enhancement network, of random numbers."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return np.asarray(rng.normal(0, 0.4, shape), np.float32)

    tensors = {}
    for layer in range(layers + 1):
        name = f"se_conv_{layer}" if layer < layers else "se_conv_last"
        shapes = ((1, 3, channels if layer else 1, channels), (), (), (channels,))
        tensors |= {
            f"{name}/{part}": drawn(*shape) for part, shape in zip(NAMES, shapes, strict=True)
        }
    return tensors | {
        "se_fc_last/weights": drawn(1, 1, channels, 1),
        "se_fc_last/biases": drawn(1),
    }


def small_weights(folder: Path, url: str = "http://127.0.0.1:9/", **network) -> list[dict]:
    """Write a small network's checkpoint; its files as a baseline's `weights` has them."""
    folder.mkdir(parents=True, exist_ok=True)
    write_checkpoint(folder / "se_model.ckpt", small_network(**network))
    contents = {path.name: path.read_bytes() for path in sorted(folder.glob("se_model.ckpt.*"))}
    return [
        {
            "file": name,
            "url": f"{url}{name}",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for name, content in contents.items()
    ]
