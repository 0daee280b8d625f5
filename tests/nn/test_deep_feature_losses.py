"""The enhancement network against numbers that were computed in another way."""

import os
from pathlib import Path

import numpy as np
import pytest
from small_checkpoint import small_network

from dap.errors import DapError
from dap.nn.deep_feature_losses import EnhancementNetwork, shapes
from dap.nn.tensor_bundle import read

# the published checkpoint: in the folder of its variable, or beside the checkout
PLACES = (
    *map(Path, filter(None, [os.environ.get("DAP_WEIGHTS")])),
    Path(__file__).resolve().parents[3] / "shared" / "dfl",
)
CHECKPOINT = next((p for p in PLACES if (p / "se_model.ckpt.index").is_file()), None)
published = pytest.mark.skipif(CHECKPOINT is None, reason="the published weights are not here")


def enhanced(tensors, signal):
    """The network in float64, channel by channel, each dilated row by np.convolve."""
    layers = sum(name.endswith("/w0") for name in tensors) - 1
    names = [(f"se_conv_{i}", 2**i) for i in range(layers)] + [("se_conv_last", 1)]
    channels = [np.asarray(signal, np.float64)]
    for name, dilation in names:
        kernel = tensors[f"{name}/weights"][0].astype(np.float64)
        rows = -(-len(signal) // dilation)
        folded = np.zeros((len(channels), rows * dilation))
        folded[:, : len(signal)] = channels
        outputs = []
        for out in range(kernel.shape[2]):
            total = np.zeros(rows * dilation)
            for channel, taps in zip(folded, kernel[:, :, out].T, strict=True):
                for phase in range(dilation):
                    # np.convolve turns the taps round, and is to apply them as they are
                    row = np.convolve(channel[phase::dilation], taps[::-1])[1:-1]
                    total[phase::dilation] += row
            scale = 1 / np.sqrt(np.mean((total - total.mean()) ** 2) + 0.001)
            normal = scale * (total - total.mean()) + tensors[f"{name}/BatchNorm/beta"][out]
            mixed = tensors[f"{name}/w0"] * total + tensors[f"{name}/w1"] * normal
            outputs.append(np.maximum(mixed, 0.2 * mixed)[: len(signal)])
        channels = outputs
    last = tensors["se_fc_last/weights"].ravel().astype(np.float64)
    return last @ np.array(channels) + tensors["se_fc_last/biases"][0]


@pytest.mark.parametrize("samples", [1, 2, 3, 7, 8, 9, 64, 501])
def test_output_of_a_small_network(samples):
    tensors = small_network(layers=4, channels=5)
    signal = np.random.default_rng(1).normal(0, 0.3, samples).astype(np.float32)
    output = EnhancementNetwork(tensors)(signal)
    assert output.dtype == np.float32
    assert output.shape == (samples,)
    # seven layers of float32
    np.testing.assert_allclose(output, enhanced(tensors, signal), rtol=0, atol=1e-5)


def test_what_fills_the_rows_up_counts_in_the_normalisation():
    # 65 samples in rows of 16: 15 outputs beside those that are kept
    tensors = small_network(layers=5)
    signal = np.random.default_rng(1).normal(0, 0.3, 65).astype(np.float32)
    network = EnhancementNetwork(tensors)
    for layer in network.layers:
        layer.dilation = min(layer.dilation, 13)  # 65 = 5 * 13: nothing to fill
    assert np.abs(network(signal) - enhanced(tensors, signal)).max() > 1e-3


def test_reach():
    network = EnhancementNetwork(small_network(layers=4))
    assert network.reach == 1 + 2 + 4 + 8 + 1
    for layer in network.layers:
        layer.normalised = 0.0
    signal = np.random.default_rng(0).normal(0, 0.1, 200).astype(np.float32)
    changed = signal.copy()
    changed[100] += 1
    moved = np.flatnonzero(network(signal) != network(changed))
    assert (moved.min(), moved.max()) == (100 - network.reach, 100 + network.reach)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"se_conv_1/weights": None},
            "se_conv_1/weights is missing, and in a network of 3 dilated",
        ),
        ({"se_conv_2/w0": None}, "the tensor se_conv_2/BatchNorm/beta is of shape"),
        (
            {"se_fc_last/biases": np.zeros(2)},
            r"is of shape \(2,\), and in a network of 3 .* \(1,\)",
        ),
        ({"more": np.zeros(2)}, r"the tensor more is of shape \(2,\), .* 4 channels missing"),
        ({"se_fc_last/weights": None}, "dilated layers and 0 channels"),
    ],
)
def test_tensors_of_another_network(change, message):
    tensors = {k: v for k, v in (small_network() | change).items() if v is not None}
    with pytest.raises(DapError, match=message):
        EnhancementNetwork(tensors)
    with pytest.raises(DapError, match="missing"):
        EnhancementNetwork({})


def test_shapes_of_the_published_network():
    expected = shapes()
    assert len(expected) == 14 * 4 + 2
    assert expected["se_conv_0/weights"] == (1, 3, 1, 64)
    assert {expected[f"se_conv_{i}/weights"] for i in range(1, 13)} == {(1, 3, 64, 64)}
    assert expected["se_conv_last/weights"] == (1, 3, 64, 64)
    assert expected["se_fc_last/weights"] == (1, 1, 64, 1)
    assert sum(int(np.prod(shape)) for shape in expected.values()) == 643700 / 4


@published
def test_the_published_weights():
    tensors = read(CHECKPOINT / "se_model.ckpt")
    assert {name: tensor.shape for name, tensor in tensors.items()} == shapes()
    # numpy.frombuffer of the data file, at the first and the last of its bytes
    raw = np.fromfile(CHECKPOINT / "se_model.ckpt.data-00000-of-00001", "<f4")
    np.testing.assert_array_equal(tensors["se_conv_0/BatchNorm/beta"], raw[:64])
    np.testing.assert_array_equal(tensors["se_fc_last/weights"].ravel(), raw[-64:])


# Of `enhanced` above, in float64, with the published weights and this signal; at every 500th sample
EXPECTED = [
    *(0.01275041, -0.00206296, 0.00987019, -0.00262239, -0.02953362),
    *(-0.02359942, 0.05000788, 0.01181676, 0.00050559, 0.00181234),
]


@published
def test_output_of_the_published_network():
    network = EnhancementNetwork(read(CHECKPOINT / "se_model.ckpt"))
    signal = 0.1 * np.random.RandomState(0).standard_normal(5000)
    output = network(signal)
    np.testing.assert_allclose(output[::500], EXPECTED, rtol=0, atol=2e-6)
