"""Random streams named by what they are for."""

import hashlib


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed from the study's seed and the names of what it is for.

    It depends on nothing else (no order, time or process), so a clip's noise is the same whichever
    job draws it. A stable hash is used since Python's `hash` of a string differs by process.
    """
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
