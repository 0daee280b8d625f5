import numpy as np
import pytest

from dap.audio import write
from dap.data.catalogue import Draw
from dap.data.clips import make
from dap.errors import DapError

RATE = 16000
SYNTHETIC = {"synthetic": "drums", "samples": 4096, "level": "peak", "window": "loudest"}


def recorded(folder, **options):
    return {"folder": str(folder), "samples": 2048, "level": "peak", "window": "loudest"} | options


def test_of_a_recording(tmp_path, tone):
    write(tmp_path / "a.wav", np.concatenate((tone[:2048] / 2, tone[:2048])), RATE)
    clip = make("c", recorded(tmp_path), Draw("a", "a.wav", 0), seed=1, sample_rate=RATE)
    assert clip.start == 2048
    np.testing.assert_allclose(clip.signal, tone[:2048] / tone.max(), atol=1e-6)
    second = make("c", recorded(tmp_path), Draw("a.1", "a.wav", 1), seed=1, sample_rate=RATE)
    assert second.start == 0


def test_a_recording_that_cannot_be_used_is_named(tmp_path, tone):
    write(tmp_path / "short.wav", tone, RATE)
    with pytest.raises(DapError, match=r"short\.wav: has 2 windows"):
        make("c", recorded(tmp_path), Draw("s.2", "short.wav", 2), seed=1, sample_rate=RATE)
    with pytest.raises(DapError, match=r"gone\.wav: cannot be read"):
        make("c", recorded(tmp_path), Draw("g", "gone.wav", 0), seed=1, sample_rate=RATE)


def test_synthetic_clips_are_named_by_corpus_clip_and_seed():
    def clip(corpus="c", name="drums-00000", seed=1, **options):
        draw = Draw(name, "", 0)
        return make(corpus, SYNTHETIC | options, draw, seed=seed, sample_rate=RATE).signal

    first = clip()
    assert np.abs(first).max() == 1.0
    assert np.abs(clip(level="recorded")).max() == pytest.approx(0.9, abs=1e-6)
    np.testing.assert_array_equal(clip(), first)
    for other in (clip(corpus="d"), clip(name="drums-00001"), clip(seed=2)):
        assert not np.array_equal(other, first)
