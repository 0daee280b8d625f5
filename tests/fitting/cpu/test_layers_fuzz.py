"""Each function of the compiled layers against PyTorch, on random sizes.

Sums are held to what float32 can round, results that are stored as bfloat16 to its last bit. The
memory of every map is as tight as in a fit, and what lies around its columns must stay zero.

`test_layers_sanitized.py` runs this file on a library that checks itself.
"""

import os
from itertools import pairwise

import pytest
import torch
from compiled_maps import close, convolved, feature, read, rounded, scratch, slots, write
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from dap.fitting.cpu.layers import Conv, Feature, Resize, Value, Weights
from dap.fitting.cpu.library import library
from dap.fitting.cpu.sampling import Sample

LIBRARIES = [lib for lib in map(library, ("float32", "bfloat16")) if lib]
fuzzed = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=int(os.environ.get("DAP_FUZZ_EXAMPLES", "100")),
)
pytestmark = pytest.mark.skipif(not LIBRARIES, reason="there is no C compiler")

libraries = st.sampled_from(LIBRARIES)
seeds = st.integers(0, 2**16)
threads = st.integers(1, 3)
channels = st.integers(1, 30)
rows, columns = st.integers(1, 9), st.integers(1, 70)
halves = st.integers(1, 5), st.integers(1, 40)


@fuzzed
@given(lib=libraries, seed=seeds, count=threads, c=channels, h=rows, w=columns, halo=columns)
def test_planes(lib, seed, count, c, h, w, halo):
    torch.manual_seed(seed)
    one, x = feature(lib, c, h, w, halo=halo), torch.randn(c, h, w)
    assert torch.equal(read(lib, one, one.value), torch.zeros(c, h, w).double())
    expected = write(lib, one, one.value, x, count)
    assert torch.equal(read(lib, one, one.value), expected)


@fuzzed
@given(
    lib=libraries,
    seed=seeds,
    count=threads,
    inputs=st.lists(st.integers(1, 20) | st.integers(46, 60), min_size=1, max_size=3),
    out=channels,
    parts=st.sampled_from([None, 1, 2, 3]),
    h=rows | st.integers(10, 30),  # so that 3x3 taps go by Winograd's products, too
    w=columns,
    kernel=st.just((3, 3)) | st.tuples(*[st.sampled_from([1, 3, 5, 7])] * 2),
    dilation=st.integers(1, 4) | st.integers(1, 40),
    after=st.sampled_from(["", "relu", "norm_relu"]),
    bias=st.booleans(),
    planar=st.booleans(),
    filled=st.integers(0, 7),
    unwanted=st.integers(0, 7),
    room=st.tuples(st.integers(1, 4), st.integers(0, 50)),
)
def test_convolution(
    lib, seed, count, inputs, out, parts, h, w, kernel, dilation, after, bias, planar, filled,
    unwanted, room,
):  # fmt: skip
    torch.manual_seed(seed)
    planar = planar and after == ""
    out = out * (parts or 1)
    sizes = [(c * (parts or 1) if i == 0 else c, h, w) for i, c in enumerate(inputs)]
    sources = [
        Feature(size, parts=parts if i == 0 else None, wanted=not unwanted >> i & 1)
        for i, size in enumerate(sizes)
    ]
    weight = torch.randn(out, sum(size[0] for size in sizes), *kernel)
    shift = torch.randn(out) if bias else None
    layer = Conv(
        Value(lambda: weight),
        Value(lambda: shift) if bias else None,
        sources,
        after,
        dilation=dilation,
        parts=None if planar else parts,
        planar=planar,
    )
    for each in (*sources, *layer.features()):
        each.allocate(lib)
    layer.prepare(lib, count, scratch(layer, lib, count, *room))
    xs = [write(lib, each, each.value, torch.randn(each.size)) for each in sources]
    x, narrow = torch.cat(xs), rounded(weight, lib)

    planes = layer.forward()
    # the output's gradient, and what was in the gradients of the inputs before
    g = write(lib, layer.out, layer.out.gradient, torch.randn(out, h, w))
    before = []
    for i, each in enumerate(sources):
        each.filled = bool(filled >> i & 1)
        old = torch.randn(each.size) if each.filled else torch.zeros(each.size)
        before.append(write(lib, each, each.gradient, old) if each.wanted else old)
    layer.backward()

    y = planes if planar else read(lib, layer.raw, layer.raw.value)
    dy = read(lib, layer.out, layer.out.gradient)
    y_expected, *_ = convolved(x, narrow, dy, dilation)
    terms = convolved(x.abs(), narrow.abs(), dy.abs(), dilation)
    if layer.winograd(lib):  # sums and differences of rows, and of the taps of a column
        most = [each.amax(dim, keepdim=True) for each, dim in zip(terms, (1, 1, 2), strict=True)]
        terms = [largest.expand_as(each) for largest, each in zip(most, terms, strict=True)]
    y_terms, dx_terms, dw_terms = terms
    if bias and after != "norm_relu":
        y_expected = y_expected + shift.double()[:, None, None]
        y_terms = y_terms + shift.double().abs()[:, None, None]
    if after == "norm_relu":
        mean, scale = (layer.moments[slots(layer.out)].double().T)[..., None, None]
        close(mean, y_expected.mean((1, 2), keepdim=True), y_terms.amax((1, 2), keepdim=True), lib)
        variance = y_expected.var((1, 2), keepdim=True, unbiased=False)
        squares = y_terms.square().amax((1, 2), keepdim=True)
        close(scale**-2 - 1e-5, variance, squares, lib, stored=False)
        close(y, y_expected, y_terms, lib)
        n = (y - mean) * scale
        size = ((y.abs() + mean.abs()) * scale).amax((1, 2), keepdim=True)
        close(read(lib, layer.out, layer.out.value), n.relu(), size, lib)
        certain = n.abs() > 1e-5 * size
        g = torch.where(n > 0, g, 0)
        means = [each.mean((1, 2), keepdim=True) for each in (g, g * n)]
        expected = (g - means[0] - n * means[1]) * scale
        terms = (size**2 + 1) * scale * (g.abs().amax((1, 2), keepdim=True) + 1)
        if certain.all():  # else a rounding error decides which side of the ReLU it is
            close(dy, expected, terms.expand_as(dy), lib)
    else:
        expected = y_expected.relu() if after == "relu" else y_expected
        close(y, expected, y_terms, lib, stored=not planar)
        g = torch.where(y > 0, g, 0) if after == "relu" else g
        assert torch.equal(dy, g)

    _, dx, dw = convolved(x, narrow, dy, dilation)
    gradients = layer.gradients()
    close(gradients[0], dw, dw_terms, lib, stored=False)
    if bias:
        sums = torch.zeros(out).double() if after == "norm_relu" else dy.sum((1, 2))
        close(gradients[1], sums, dy.abs().sum((1, 2)), lib, stored=False)
    edges = list(pairwise([0, *torch.tensor([size[0] for size in sizes]).cumsum(0).tolist()]))
    for each, old, (first, last) in zip(sources, before, edges, strict=True):
        if each.wanted:
            terms = dx_terms[first:last] + old.abs()
            close(read(lib, each, each.gradient), dx[first:last] + old, terms, lib)


@fuzzed
@given(lib=libraries, seed=seeds, count=threads, c=channels, h=rows, w=columns)
def test_normalisation(lib, seed, count, c, h, w):
    torch.manual_seed(seed)
    y, a = feature(lib, c, h, w), feature(lib, c, h, w)
    x = write(lib, y, y.value, torch.randn(c, h, w))
    g = write(lib, a, a.gradient, torch.randn(c, h, w))
    even = len(y.slots(2))
    sums, moments = torch.zeros(h, even, 2, dtype=torch.float64), torch.empty(even, 2)
    sums[:, :c] = torch.stack((x.sum(2), x.square().sum(2)), -1).transpose(0, 1)
    lib.norm_relu(y.value, a.value, sums.data_ptr(), moments.data_ptr(), h, w, count)
    lib.norm_relu_backward(a.gradient, y.value, moments.data_ptr(), sums.data_ptr(), h, w, count)
    x.requires_grad_()
    # PyTorch refuses a single pixel
    n = functional.instance_norm(x[None], eps=1e-5)[0] if h * w > 1 else x * 0
    (expected,) = torch.autograd.grad(n.relu(), x, g)
    n = n.detach()
    scale = moments[:c, 1, None, None].double()
    terms = (1 + n.abs().amax((1, 2), keepdim=True)) * (1 + scale)
    close(read(lib, a, a.value), n.relu(), terms, lib)
    if (n.abs() > 1e-5 * terms).all():
        terms = terms * scale * (1 + n.abs()) * g.abs().amax((1, 2), keepdim=True)
        close(read(lib, a, a.gradient), expected, terms, lib)


@fuzzed
@given(
    lib=libraries, seed=seeds, count=threads, c=channels, h=rows, w=columns, masked=st.booleans()
)
def test_relu_backward(lib, seed, count, c, h, w, masked):
    torch.manual_seed(seed)
    a = feature(lib, c, h, w)
    x = write(lib, a, a.value, torch.randn(c, h, w).relu())
    g = write(lib, a, a.gradient, torch.randn(c, h, w))
    even = len(a.slots(2))
    db, sums = torch.zeros(even), torch.empty(h, even, dtype=torch.float64)
    lib.relu_backward(
        *(a.gradient, a.value if masked else None, db.data_ptr(), sums.data_ptr()), h, w, count
    )
    expected = torch.where(x > 0, g, 0) if masked else g
    assert torch.equal(read(lib, a, a.gradient), expected)
    close(db[:c], expected.sum((1, 2)), expected.abs().sum((1, 2)), lib, stored=False)


@fuzzed
@given(
    lib=libraries,
    seed=seeds,
    count=threads,
    c=channels,
    size=st.tuples(*halves),
    kind=st.sampled_from(["max_pool", "mean_pool", "upsample"]),
    ties=st.booleans(),
    filled=st.booleans(),
)
def test_resizing(lib, seed, count, c, size, kind, ties, filled):
    torch.manual_seed(seed)
    h, w = size if kind == "upsample" else (2 * size[0], 2 * size[1])
    source = feature(lib, c, h, w)
    layer = Resize(source, kind)
    layer.out.allocate(lib)
    layer.prepare(lib, count, {})
    values = torch.randint(-2, 2, (c, h, w)).float() if ties else torch.randn(c, h, w)
    x = write(lib, source, source.value, values).requires_grad_()
    g = write(lib, layer.out, layer.out.gradient, torch.randn(layer.out.size))
    source.filled = filled and kind == "mean_pool"
    old = write(lib, source, source.gradient, torch.randn(c, h, w)) * source.filled
    layer.forward()
    layer.backward()
    y = {
        "max_pool": lambda x: functional.max_pool2d(x, 2),
        "mean_pool": lambda x: functional.avg_pool2d(x, 2),
        "upsample": lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
    }[kind](x[None])[0]
    (dx,) = torch.autograd.grad(y, x, g)
    result = read(lib, layer.out, layer.out.value)
    gradient = read(lib, source, source.gradient)
    if kind == "max_pool":
        assert torch.equal(result, y)
        assert torch.equal(gradient, dx)
    else:
        close(result, y.detach(), x.detach().abs().max(), lib)
        close(gradient, dx + old, 4 * g.abs().max() + old.abs(), lib)


@fuzzed
@given(
    lib=libraries,
    seed=seeds,
    count=threads,
    c=st.integers(1, 9),
    parts=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    h=rows,
    w=columns,
    length=st.integers(0, 7),
    density=st.floats(0, 1),
)
def test_sampling(lib, seed, count, c, parts, h, w, length, density):
    torch.manual_seed(seed)
    before, after = parts
    table = torch.randn(after, h, before, h) * (torch.rand(after, h, before, h) < density)
    entries = [(*at, table[tuple(at)].item()) for at in table.nonzero().tolist()]
    filters = torch.randn(c, length) if length else None
    source = feature(lib, before * c, h, w, parts=before)
    layer = Sample(source, entries, after, Value(lambda: filters) if length else None)
    layer.out.allocate(lib)
    layer.prepare(lib, count, scratch(layer, lib, count))
    x = write(lib, source, source.value, torch.randn(source.size))
    g = write(lib, layer.out, layer.out.gradient, torch.randn(layer.out.size))
    layer.forward()
    layer.backward()

    def passes(x, table, filters, g):
        """Output, and gradients of x and of the filters."""
        leaves = [x.clone().requires_grad_()]
        y = torch.einsum("nwkq,kcqt->ncwt", table, leaves[0].view(before, c, h, w))
        if filters is not None:
            leaves.append(filters.clone().requires_grad_())
            kernel = leaves[1][:, None, None]
            y = functional.conv2d(y, kernel, padding=(0, length // 2), groups=c)[..., :w]
        y = y.reshape(-1, h, w)
        return (y.detach(), *torch.autograd.grad(y, leaves, g))

    wide = [table.double(), filters.double() if length else None]
    expected = passes(x, *wide, g)
    terms = passes(x.abs(), *(each if each is None else each.abs() for each in wide), g.abs())
    close(read(lib, layer.out, layer.out.value), expected[0], terms[0], lib)
    close(read(lib, source, source.gradient), expected[1], terms[1], lib)
    if length:
        close(layer.gradients()[0], expected[2], terms[2], lib, stored=False)


@fuzzed
@given(
    lib=libraries,
    seed=seeds,
    count=threads,
    size=st.tuples(channels, channels),
    kernel=st.tuples(*[st.sampled_from([1, 3, 5, 7])] * 2),
    holes=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    transposed=st.booleans(),
)
def test_weights(lib, seed, count, size, kernel, holes, transposed):
    torch.manual_seed(seed)
    group, weight = lib.constants.group, torch.randn(*size, *kernel)
    taps = kernel[0] * kernel[1]
    # in any order, with zeros between them, rows in pairs and columns in groups
    rows, columns = size[::-1] if transposed else size
    rows = torch.tensor([*range(rows), *[-1] * (holes[0] + (rows + holes[0]) % 2)])
    columns = torch.tensor([*range(columns), *[-1] * (holes[1] + (columns + holes[1]) % group)])
    rows, columns = (each[torch.randperm(len(each))] for each in (rows, columns))
    packed = Weights(lib, weight, rows.tolist(), columns.tolist(), count, transposed=transposed)
    packed.pack()
    flat = (weight.transpose(0, 1).flip(2, 3) if transposed else weight).reshape(
        *(size[::-1] if transposed else size), taps
    )
    padded = torch.zeros(flat.shape[0] + 1, flat.shape[1] + 1, taps)
    padded[:-1, :-1] = flat
    full = padded[rows][:, columns]  # an index of -1 takes the zeros
    lanes = packed.memory.view(torch.bfloat16 if group == 2 else torch.float32).float()
    block = 12 if lib.constants.lanes == 16 else 6
    blocks = [
        part.view(len(part), -1, group, taps).permute(3, 1, 0, 2).flatten()
        for part in full.split(block)
    ]
    assert torch.equal(lanes.double(), rounded(torch.cat(blocks), lib))
