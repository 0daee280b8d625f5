"""Deep feature losses as a method, with a small network's weights; refused where it is not for."""

import numpy as np
import pytest
from small_checkpoint import small_network, small_weights

import dap
from dap.baselines import dfl
from dap.crossfade import in_parts
from dap.errors import DapError
from dap.nn.deep_feature_losses import EnhancementNetwork
from dap.observation import Observation
from dap.plugins import plugin

RATE = 16000


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A small network in place of the published one."""
    declared = plugin("baselines", "dfl").metadata["weights"]
    monkeypatch.setitem(declared, "files", small_weights(tmp_path / "dfl"))
    monkeypatch.setenv("DAP_WEIGHTS", str(tmp_path))
    dfl._network.cache_clear()
    yield tmp_path / "dfl"
    dfl._network.cache_clear()


def test_the_network_has_the_observation_as_it_is(weights, hiss):
    network = EnhancementNetwork(small_network())
    estimate = dfl.restore(Observation(hiss, sample_rate=RATE), ("raw",))
    assert (estimate.shape, estimate.dtype) == ((1, len(hiss)), np.float32)
    np.testing.assert_array_equal(estimate[0], network(hiss))
    loud = 1000 * hiss
    assert np.abs(network(loud)).max() > 1
    estimate = dfl.restore(Observation(loud, sample_rate=RATE), ("raw",))
    np.testing.assert_array_equal(estimate[0], np.clip(network(loud), -1, 1))


@pytest.mark.parametrize("samples", [1, 2, 13, 4097])
def test_any_length(weights, hiss, samples):
    estimate = dfl.restore(Observation(hiss[:samples], sample_rate=RATE), ("raw",))
    assert np.isfinite(estimate).all()
    assert estimate.shape == (1, samples)


@pytest.mark.parametrize("part", [200, 333, 700, 999])
def test_a_long_recording_is_restored_in_parts(part, hiss):
    network = EnhancementNetwork(small_network())
    for layer in network.layers:
        layer.normalised = 0.0  # by what is each part's own
    signal = hiss[:1000]
    asked = []

    def watched(signal):
        asked.append(len(signal))
        return network(signal)

    joined = in_parts(watched, signal, part=part, reach=network.reach, fade=16)
    np.testing.assert_allclose(joined, network(signal), rtol=0, atol=1e-5)
    assert max(asked) <= part
    assert len(set(asked)) == 1
    assert len(asked) > 1


def test_another_rate_is_refused(weights, hiss):
    with pytest.raises(DapError, match="dfl is for 16000 Hz, and the recording has 8000: resample"):
        dfl.restore(Observation(hiss, sample_rate=8000), ("raw",))


def test_restore_says_whose_model_it_is(weights, voice, caplog):
    result = dap.restore(voice, RATE, method="dfl")
    assert (result.selection, result.snapshots) == (None, {})
    said = "dfl is a trained model: on speech in noise, of VoiceBank and DEMAND, by Germain, Chen "
    assert [line for line in caplog.messages if line.startswith(said)] == [
        f"{said}and Koltun 2018; other sound may suffer"
    ]
    # at a peak of 0.5, without its mean, and put back
    offset = voice.mean()
    gain = 0.5 / np.abs(voice - offset).max()
    given = (gain * (voice - offset)).astype(np.float32)
    expected = np.clip(EnhancementNetwork(small_network())(given), -1, 1) / gain + offset
    np.testing.assert_allclose(result.audio, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gaps": [(0.1, 0.2)]}, "dfl does not fill gaps: choose another method"),
        ({"bins": 16}, "dfl does not .*: choose another method"),
        ({"iterations": 5}, "dfl is fitted to nothing, and takes no iterations"),
    ],
)
def test_what_it_is_not_for(voice, options, message):
    with pytest.raises(DapError, match=message):
        dap.restore(voice, **({"sample_rate": RATE, "method": "dfl"} | options))


def test_damaged_weights(weights, voice):
    (weights / "se_model.ckpt.index").write_bytes(b"no index")
    with pytest.raises(DapError, match=r"se_model\.ckpt\.index: its sha256 is .* is published"):
        dap.restore(voice, RATE, method="dfl")
