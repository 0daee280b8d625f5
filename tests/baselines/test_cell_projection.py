import numpy as np
import pytest
from corrupted import corrupted
from scipy.optimize import linprog

from dap.baselines import cell_projection
from dap.baselines.cell_projection import Frame, restore, sparsest, sparsest_of_one_bit
from dap.data.corruptions.quantization import cells
from dap.metrics.level import snr
from dap.metrics.scale_invariant import si_sdr
from dap.observation import Observation, one_bit

RATE = 16000
OUTPUTS = ["raw", "projected"]


@pytest.mark.parametrize(("samples", "window"), [(1, 8), (50, 64), (1000, 64), (1001, 256)])
def test_the_frame_is_tight(samples, window):
    frame = Frame(samples, window)
    x = np.random.default_rng(0).standard_normal(samples)
    coefficients = frame.analyse(x)
    np.testing.assert_allclose(frame.synthesise(coefficients), x, atol=1e-12)
    # its energy is kept, and synthesis is the adjoint
    energy = (np.square(np.abs(coefficients)) * frame.weights).sum()
    assert energy == pytest.approx(np.square(x).sum())
    other = frame.analyse(np.random.default_rng(1).standard_normal(samples)) ** 2
    other[:, [0, -1]] = other[:, [0, -1]].real
    inner = ((np.conj(coefficients) * other).real * frame.weights).sum()
    assert inner == pytest.approx(x @ frame.synthesise(other))


def test_norm_by_hand():
    frame = Frame(40, 8)
    x = np.random.default_rng(0).standard_normal(40)
    padded = np.pad(x, (6, 30))
    total = 0.0
    for start in range(0, 46, 2):
        total += np.abs(np.fft.fft(padded[start : start + 8] * frame.window)).sum() / np.sqrt(8)
    assert frame.norm(frame.analyse(x)) == pytest.approx(total)


def test_the_optimum_of_a_small_problem():
    # windows of 4 samples: bins are real but for one, whose magnitude is bounded by 64 tangents
    rng = np.random.default_rng(3)
    lower = rng.integers(-4, 4, 12) / 4
    upper = lower + 0.25
    frame = Frame(12, 4)
    columns = np.stack([frame.analyse(unit) for unit in np.eye(12)], axis=-1).reshape(-1, 12)
    weights = np.tile(frame.weights, frame.frames)
    rows = []
    for k, row in enumerate(columns):
        for angle in np.arange(64) * 2 * np.pi / 64:
            tangent = np.zeros(12 + len(columns))
            tangent[:12], tangent[12 + k] = (np.exp(-1j * angle) * row).real, -1
            rows.append(tangent)
    best = linprog(
        np.r_[np.zeros(12), weights],
        np.array(rows),
        np.zeros(len(rows)),
        bounds=[*zip(lower, upper, strict=True), *[(0, None)] * len(columns)],
    )
    estimate, gap = sparsest(lower, upper, 4)
    assert gap < 1e-3
    # 64 tangents lie below a magnitude by up to 0.12 %
    assert frame.norm(frame.analyse(estimate)) == pytest.approx(best.fun, rel=3e-3)


# measured: from 15.2 to 19.0 dB, 4.9 to 7.0, 18.8 to 19.3. Mid-tread, silence has no error to begin
# with
@pytest.mark.parametrize(
    ("level", "quantizer", "bins", "gain"),
    [(0.9, "mid-rise", 16, 3), (0.3, "mid-rise", 16, 1.5), (0.9, "mid-tread", 16, 0.3)],
)
def test_a_voice_gains_some_decibels(level, quantizer, bins, gain, voice):
    clean = (level * voice[4000:16000] / np.abs(voice).max()).astype(np.float32)
    observation = corrupted("quantization", clean, bins=bins, quantizer=quantizer)
    raw, projected = restore(observation, OUTPUTS)
    assert snr(clean, raw, RATE) > snr(clean, observation.signal, RATE) + gain
    np.testing.assert_array_equal(raw, projected)
    assert raw.dtype == np.float32
    assert (observation.known["lower"] <= raw).all()
    assert (raw <= observation.known["upper"]).all()


def test_the_gap_ends_the_iterations(monkeypatch, voice):
    observation = corrupted("quantization", voice[:4000].astype(np.float32) * 3)
    bounds = [observation.known[name].astype(np.float64) for name in ("lower", "upper")]
    estimate, gap = sparsest(*bounds, 1024)
    assert gap < 1e-3
    monkeypatch.setattr(cell_projection, "GAP", 1e-5)
    best, least = sparsest(*bounds, 1024)
    frame = Frame(4000, 1024)
    values = [frame.norm(frame.analyse(x)) for x in (best, estimate)]
    assert 1 <= values[1] / values[0] < 1 + 1e-3
    assert least < gap
    monkeypatch.setattr(cell_projection, "ITERATIONS", 25)
    assert 1e-3 < sparsest(*bounds, 1024)[1] < 1


def test_silence_and_cells_of_no_size():
    silent = corrupted("quantization", np.zeros(3000, np.float32))
    assert (silent.signal == 1 / 16).all()
    # 0 is in the cells, and nothing is sparser
    assert not restore(silent, OUTPUTS).any()
    points = np.linspace(-1, 1, 100)
    np.testing.assert_array_equal(sparsest(points, points, 64)[0], points)


# measured: from 3.9 to 11.6 dB of mid-rise; to 6.2 of mid-tread with 2 bins, whose cells differ
@pytest.mark.parametrize(
    ("bins", "quantizer", "peak", "middle"),
    [
        (2, "mid-rise", 0.8, 0),
        (16, "mid-rise", 0.1, 0),
        (2, "mid-tread", 0.4, -0.5),
        (3, "mid-tread", 0.4, 0.3333),
        (16, "mid-tread", 0.05, 0.0625),
        (15, "mid-tread", 0.05, -0.2),
    ],
)
def test_one_bit_is_no_silence(bins, quantizer, peak, middle):
    time = np.arange(4000) / RATE
    sound = np.sin(2 * np.pi * 220 * time) + 0.6 * np.sin(2 * np.pi * 470 * time + 1)
    level, lower, upper = cells(peak / 1.6 * sound + middle, bins, quantizer)
    assert len(np.unique(level)) == 2
    observation = Observation(level, {"lower": lower, "upper": upper})
    restored = restore(observation, OUTPUTS)[0]
    np.testing.assert_array_equal(cells(restored, bins, quantizer)[0], level)
    assert restored.std() == pytest.approx(level.std(), rel=0.4)
    before, after = (si_sdr(sound, x - x.mean(), RATE) for x in (level, restored))
    assert after > before + 2
    # its mean distance to what the cells touch is that of their middles
    edge = lower.max()
    distance = np.abs(restored - edge).mean()
    assert distance == pytest.approx(np.abs((lower + upper) / 2 - edge).mean(), rel=1e-4)


def test_the_optimum_of_one_bit():
    # the least value is above that of any other signal of that distance in the cells
    rng = np.random.default_rng(0)
    lower = np.where(rng.standard_normal(60) < 0, -1.0, 0.0)
    bits = one_bit(lower, lower + 1)
    estimate, gap = sparsest_of_one_bit(lower, lower + 1, bits, 16)
    assert gap < 1e-3
    assert np.abs(estimate).mean() == pytest.approx(0.5)
    frame = Frame(60, 16)
    least = frame.norm(frame.analyse(estimate))
    for _ in range(200):
        other = rng.uniform(0, 1, 60)
        other = bits.side * np.clip(other + 0.5 - other.mean(), 0, 1)
        other *= 0.5 / np.abs(other).mean()
        if np.abs(other).max() <= 1:
            assert frame.norm(frame.analyse(other)) > least
