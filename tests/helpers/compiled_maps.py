"""The maps of the compiled layers, written and read, and what may be asked of a sum in float32."""

import torch
from torch.nn import functional

from dap.fitting.cpu.layers import Conv, Feature


def rounded(x, lib):
    """As a map of the library holds it, in double precision."""
    return (x.bfloat16() if lib.constants.group == 2 else x).double()


def feature(lib, *size, parts=None, halo=1):
    made = Feature(size, parts=parts, halo=halo)
    made.allocate(lib)
    return made


def slots(of):
    return torch.tensor([i for i, slot in enumerate(of.slots()) if slot >= 0])


def write(lib, of, to, x, count=1):
    """Put `x`, (channels, rows, columns), into a map of a feature."""
    planes = torch.zeros(len(of.slots()), *of.size[1:])
    planes[slots(of)] = x
    lib.import_planes(planes.data_ptr(), to, *of.size[1:], count)
    return rounded(x, lib)


def read(lib, of, source):
    """A map's channels in double precision, having looked at the zeros around them."""
    memory = of.memory[source is of.gradient]
    groups = source.row // source.group
    front = (source.data - memory.data_ptr()) // 4
    lines = memory[front : front + of.size[1] * source.row].view(of.size[1], groups, source.group)
    assert not lines[:, :, of.size[2] :].any()
    # the channel that makes their number even
    split = lines.view(torch.int16 if lib.constants.group == 2 else torch.int32)
    split = split.view(*lines.shape, -1).transpose(2, 3).flatten(1, 2)
    assert not split[:, source.channels :].any()
    assert not memory[:front].any()
    assert not memory[front + lines.numel() :].any()
    planes = torch.empty(len(of.slots()), *of.size[1:])
    lib.export_planes(source, planes.data_ptr(), *of.size[1:])
    empty = [i for i, slot in enumerate(of.slots()) if slot < 0]
    assert not planes[empty].any()
    return planes[slots(of)].double()


def close(result, expected, terms, lib, *, stored=True):
    """Whether a sum is as exact as float32 can be, or as bfloat16 that stores it.

    Args:
        terms: the same sum of absolute values.
    """
    bound = 1e-5 * terms + 1e-30
    if stored and lib.constants.group == 2:
        bound = bound + 2**-8 * expected.abs()
    assert result.shape == expected.shape
    assert ((result.double() - expected).abs() <= bound).all()


def scratch(layer, lib, count, multiple=1, extra=0):
    """Memory of exactly the size that a layer says."""
    room = {"sums": torch.empty(max(layer.sums(), 1), 2, dtype=torch.float64)}
    if isinstance(layer, Conv):
        lanes = layer.lanes(lib) // lib.constants.group * multiple + extra
        room["products"] = torch.empty(count, layer.products(lib))
        room["lanes"] = torch.empty(count, lanes, dtype=torch.int32)
    return room


def convolved(x, weight, upstream, dilation):
    """The output, and gradients of input and weight."""
    x, weight = (each.clone().requires_grad_() for each in (x, weight))
    padding = [size // 2 * dilation for size in weight.shape[2:]]
    y = functional.conv2d(x[None], weight, padding=padding, dilation=dilation)[0]
    return (y.detach(), *torch.autograd.grad(y, (x, weight), upstream))
