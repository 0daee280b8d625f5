"""The compiled layers: compiled on first use for the CPU at hand (`dap.fitting.cpu.cache`).

Nothing is lost but speed where there is no C compiler: the same networks then run in PyTorch.

CC names the compiler, and DAP_CFLAGS holds flags that follow `FLAGS`.
"""

import ctypes
import logging
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from dap.fitting.cpu.cache import compiled

SOURCES = Path(__file__).parent
FLAGS = ["-O3", "-march=native", "-ffp-contract=fast", "-fopenmp", "-shared", "-fPIC"]
log = logging.getLogger("dap")


class Map(ctypes.Structure):
    """A feature map, as in kernels.c; strides in lanes of 32 bits."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("row", ctypes.c_int64),
        ("group", ctypes.c_int64),
        ("channels", ctypes.c_int64),
    )


class Entry(ctypes.Structure):
    """What a line of a `Table` reads, and with which weight, as in kernels.c."""

    _fields_ = (("row", ctypes.c_int32), ("part", ctypes.c_int32), ("weight", ctypes.c_float))


class Table(ctypes.Structure):
    """A sparse matrix by lines, as in kernels.c."""

    _fields_ = (("starts", ctypes.c_void_p), ("entries", ctypes.c_void_p))


class Constants(ctypes.Structure):
    """What the C sources define, as in kernels.c: the library holds it once for each precision.

    Attributes:
        constants, map, entry, table: bytes of the structures.
        group: channels in a lane.
        lanes: lanes of a vector register; lines of columns are multiples of two of them.
        margin: lanes; up to so many and one less beyond the halo are read beside a line.
        taps: of the longest filter of `Sample`.
        add, relu: flags of `conv`, and `add` of `mean_pool_backward`.
        scratch: lanes of scratch that a thread has at least.
        winograd: whether convolutions by 3x3 taps may go by `conv_winograd`.
        winograd_taps: of its weights.
    """

    _fields_ = tuple(
        (name, ctypes.c_int32)
        for name in (
            *("constants", "map", "entry", "table"),
            *("group", "lanes", "margin", "taps", "add", "relu", "scratch"),
            *("winograd", "winograd_taps"),
        )
    )


class MismatchError(Exception):
    """The library and this module lay a structure out differently."""


_MAPS, _TABLE = ctypes.POINTER(Map), ctypes.POINTER(Table)
_LONG, _INT, _ADDRESS = ctypes.c_int64, ctypes.c_int, ctypes.c_void_p
_SIGNATURES = {
    "conv": [_MAPS, _INT, _MAPS, *[_ADDRESS] * 3, _LONG, _LONG, *[_INT] * 5, _ADDRESS],
    "conv_weights": [
        *[_MAPS] * 2, _ADDRESS, _LONG, _LONG, _ADDRESS, _ADDRESS, *[_LONG] * 3, *[_INT] * 4,
    ],
    "conv_winograd": [
        _MAPS, _INT, _MAPS, *[_ADDRESS] * 4, *[_LONG] * 3, *[_INT] * 3, _ADDRESS,
    ],
    "conv_weights_winograd": [
        *[_MAPS] * 2, _ADDRESS, _LONG, _LONG, _ADDRESS, _ADDRESS, *[_LONG] * 3, *[_INT] * 2,
    ],
    "norm_relu": [_MAPS, _MAPS, _ADDRESS, _ADDRESS, _LONG, _LONG, _INT],
    "norm_relu_backward": [_MAPS, _MAPS, _ADDRESS, _ADDRESS, _LONG, _LONG, _INT],
    "relu_backward": [_MAPS, _MAPS, _ADDRESS, _ADDRESS, _LONG, _LONG, _INT],
    "max_pool": [_MAPS, _MAPS, _LONG, _LONG, _INT],
    "max_pool_backward": [_MAPS, _MAPS, _MAPS, _LONG, _LONG, _INT],
    "mean_pool": [_MAPS, _MAPS, _LONG, _LONG, _INT],
    "mean_pool_backward": [_MAPS, _MAPS, _LONG, _LONG, _INT, _INT],
    "sample": [_MAPS, _MAPS, _TABLE, _ADDRESS, _INT, *[_LONG] * 3, _INT],
    "sample_backward": [
        *[_MAPS] * 3, _TABLE, *[_ADDRESS] * 3, _INT, *[_LONG] * 3, _INT,
    ],
    "upsample": [_MAPS, _MAPS, _LONG, _LONG, _INT],
    "upsample_backward": [_MAPS, _MAPS, _LONG, _LONG, _INT],
    "import_planes": [_ADDRESS, _MAPS, _LONG, _LONG, _INT],
    "export_planes": [_MAPS, _ADDRESS, _LONG, _LONG],
    "pack_weights": [
        _ADDRESS, _LONG, _LONG, *[_INT] * 3, _ADDRESS, _LONG, _ADDRESS, _LONG, _ADDRESS, _INT,
    ],
}  # fmt: skip

_FLOAT32 = ("conv_winograd", "conv_weights_winograd")  # there in this precision alone


# takes the arguments of `_SIGNATURES`
Kernel = Callable[..., None]


class Library:
    """The layers of one precision.

    Its functions raise MemoryError where there is none left.

    Attributes:
        constants: of the C sources.
        scratch_lanes: lanes of scratch that a thread of `conv_weights` needs at least, of
            (out_channels, in_channels, columns, reach of the filter in columns).
        winograd_lanes: those of `conv_winograd`, of (in_channels, dilation).
        pair_count: pairs of rows of `conv_winograd`, of (rows, dilation).
    """

    conv: Kernel
    conv_weights: Kernel
    conv_winograd: Kernel
    conv_weights_winograd: Kernel
    norm_relu: Kernel
    norm_relu_backward: Kernel
    relu_backward: Kernel
    max_pool: Kernel
    max_pool_backward: Kernel
    mean_pool: Kernel
    mean_pool_backward: Kernel
    sample: Kernel
    sample_backward: Kernel
    upsample: Kernel
    upsample_backward: Kernel
    import_planes: Kernel
    export_planes: Kernel
    pack_weights: Kernel

    def __init__(self, loaded: ctypes.CDLL, precision: str):
        self.constants = Constants.in_dll(loaded, f"constants_{precision}")
        self.scratch_lanes = loaded.scratch_lanes
        self.scratch_lanes.argtypes, self.scratch_lanes.restype = [_LONG] * 4, _LONG
        self.winograd_lanes, self.pair_count = loaded.winograd_lanes, loaded.pair_count
        for count in (self.winograd_lanes, self.pair_count):
            count.argtypes, count.restype = [_LONG] * 2, _LONG
        for name, arguments in _SIGNATURES.items():
            if name in _FLOAT32 and precision != "float32":
                continue
            function = getattr(loaded, f"{name}_{precision}")
            function.argtypes, function.restype, function.errcheck = arguments, _INT, _done
            setattr(self, name, function)


def _done(status: int, function: Callable, arguments: tuple) -> None:
    if status:
        raise MemoryError(f"{function.__name__} of the compiled layers finds no memory")


def _check(loaded: ctypes.CDLL) -> None:
    """Raise MismatchError unless the library's structures have the sizes of this module's."""
    constants = Constants.in_dll(loaded, "constants_float32")
    for structure in (Constants, Map, Entry, Table):
        name = structure.__name__
        in_c, here = getattr(constants, name.lower()), ctypes.sizeof(structure)
        if in_c != here:
            raise MismatchError(f"{name} has {in_c} bytes in kernels.c and {here} in library.py")


@cache
def library(precision: str) -> Library | None:
    """The layers in "float32" or "bfloat16"; None where this machine has none."""
    loaded = _load()
    if loaded is None or not hasattr(loaded, f"constants_{precision}"):  # no bfloat16 on this CPU
        return None
    return Library(loaded, precision)


@cache
def _load() -> ctypes.CDLL | None:
    import torch  # noqa: F401  its OpenMP is then the one that serves both

    compiler = shutil.which(os.environ.get("CC") or "cc") or shutil.which("gcc")
    if compiler is None:
        log.warning("there is no C compiler: the networks run in PyTorch, at a third of the speed")
        return None
    try:
        flags = [*FLAGS, *shlex.split(os.environ.get("DAP_CFLAGS", ""))]
        loaded = ctypes.CDLL(str(compiled(compiler, flags, SOURCES)))
        _check(loaded)
    except (OSError, ValueError, subprocess.CalledProcessError, MismatchError) as error:
        log.warning(
            "the compiled layers cannot be had; the networks run in PyTorch, at a third of the "
            "speed (CC, here %s, names another compiler; clang needs its OpenMP, libomp): %s",
            compiler,
            getattr(error, "stderr", None) or error,
        )
        return None
    return loaded
