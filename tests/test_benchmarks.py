"""The reference is the same fit as ours, and the benchmarks' parts do what they say."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from benchmarks import __main__ as benchmarks_main
from benchmarks import candidates, coverage, export_clips, gaps, levels, quality, separation, speed
from benchmarks.reference_fit import DESIGNS, ReferenceFit, network
from dap.decibels import snr_db
from dap.fitting import loop as fit
from dap.plugins import plugins


def test_the_reference_knows_all_designs():
    assert list(DESIGNS) == [name for name in plugins("priors") if name in DESIGNS]
    for name in DESIGNS:
        ours = plugins("priors")[name].load().build(width=0.1, network="code")
        theirs = network(name, 0.1)()
        sizes = [[tuple(p.shape) for p in net.parameters()] for net in (ours, theirs)]
        dilations = [
            [m.dilation for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
            for net in (ours, theirs)
        ]
        assert sizes[0] == sizes[1]
        assert dilations[0] == dilations[1]


@pytest.mark.parametrize("method", DESIGNS)
def test_the_reference_is_the_same_fit(method):
    goal = speed.Noise(16, "cpu")
    options = replace(speed.PAPER, iterations=4)
    ours = fit.fit(network(method, 0.1), goal, options, seed=3, device="cpu")
    plain = ReferenceFit(method, 0.1, goal.target, speed.PAPER.learning_rate, 3)
    for expected in ours.losses:
        loss = torch.nn.functional.mse_loss(plain.step()[0], goal.target).item()
        assert loss == pytest.approx(float(expected), rel=1e-4)


def test_speed_of_a_small_fit():
    goal = {"frames": 8, "width": 0.05, "precision": "float32", "device": "cpu"}
    done = []
    row = speed.compare("conv", **goal, repeats=2, report=done.append)
    assert done == [
        "conv: how fast the reference is", "conv: 1 of 2", "conv: 2 of 2", "conv: memory",
    ]  # fmt: skip
    assert len(done) == speed.steps(2)
    assert row.frames == 8
    assert row.seconds > 0
    assert row.reference > 0
    assert row.reference_mib >= 0


@pytest.mark.parametrize(
    ("seconds_of", "frames", "chosen", "timed"),
    [
        # a fast machine, and one on which a few frames are enough to see it
        (lambda frames: frames * 0.013, 256, 256, [32, 64, 128, 256]),
        (lambda frames: frames * 0.05, 256, 64, [32, 64]),
        (lambda frames: 100.0, 256, 32, [32]),
        # dilated convolutions that fall off a cliff
        (lambda frames: 0.5 if frames < 128 else 200, 256, 64, [32, 64, 128]),
        (lambda frames: 0.1, 100, 100, [32, 64, 100]),
        (lambda frames: 100.0, 8, 8, [8]),
    ],
)
def test_how_many_frames_of_the_reference_can_be_borne(seconds_of, frames, chosen, timed):
    asked = []
    size, seconds = speed.bearable(lambda size: asked.append(size) or seconds_of(size), frames)
    assert (size, seconds) == (chosen, seconds_of(chosen))
    assert asked == timed


def test_the_probe_ends_after_one_hopeless_iteration(monkeypatch):
    assert 0 < speed.probe("conv", 0.05, 8) < speed.MOST_SECONDS
    clock = iter([0.0, 100.0])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    assert speed.probe("conv", 0.05, 8) == 100.0


def test_products_of_matrices_are_as_large_as_can_be_borne(monkeypatch):
    sizes = []
    monkeypatch.setattr(speed.torch, "randn", lambda rows, *_, **__: sizes.append(rows) or Matrix())
    # fast, and slow from the second size on
    for seconds, tried in ((0.01, [2, 4, 8, 16, 32]), (0.3, [2]), (100.0, [2])):
        sizes.clear()
        clock = itertools.count(0, seconds)
        monkeypatch.setattr(speed.time, "perf_counter", lambda clock=clock: next(clock))
        rate = speed.peak("bfloat16", "cpu", size=32)
        assert sizes == [size for size in tried for _ in range(2)]
        assert rate == pytest.approx(2 * tried[-1] ** 3 / seconds / 1e9)


class Matrix:
    """Whose product takes no time."""

    def to(self, kind):
        return self

    def __matmul__(self, other):
        return self


def test_a_slow_machine_is_told_of_in_the_table(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(speed, "probe", lambda method, width, frames: 1.0 * frames)
    monkeypatch.setattr(speed, "FEWEST_FRAMES", 4)
    monkeypatch.setattr(speed, "peak", lambda *_: 1.0)
    monkeypatch.setattr(speed, "bandwidth", lambda *_: 1.0)
    monkeypatch.setattr(speed, "_memory", lambda *_: 1.0)
    arguments = "--method conv --method dilated --frames 16 --width 0.05 --repeats 1 --threads 1"
    monkeypatch.setattr("sys.argv", ["benchmarks", *arguments.split(), "--out", f"{tmp_path}/t.md"])
    benchmarks_main.main()
    said = capsys.readouterr()
    rows = [row.split(" | ") for row in said.out.splitlines() if row.startswith("| `")]
    assert [row[0] for row in rows] == ["| `conv`", "| `dilated`"]
    assert all(row[2].endswith(" (4 frames)") and row[11].endswith(" (4 frames)") for row in rows)
    assert "On fewer frames, in brackets, where an iteration of the reference of all 16" in said.out
    assert "dilated: memory" in said.err
    assert (tmp_path / "t.md").read_text() == said.out


@pytest.mark.parametrize("dilation", [2, 3, 8])
def test_a_dilated_convolution_on_its_sub_grids(dilation):
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 4, 3, padding=dilation, dilation=dilation).double()
    x = torch.randn(2, 3, 16, 14, dtype=torch.float64, requires_grad=True)
    passes = []
    for run in (layer, candidates.SubGrids(layer)):
        y = run(x)
        passes.append((y, *torch.autograd.grad(y.square().sum(), (x, *layer.parameters()))))
    for expected, ours in zip(*passes, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, way in candidates.usable("cpu", inductor=False).items()
        if way.multiple == 1 and name != "float32"
    ],
)
def test_ways_to_run_a_network_are_the_same_fit(name):
    target = torch.randn(2, 32, 16, generator=torch.Generator().manual_seed(0))
    tolerance = 1e-4 if candidates.WAYS[name].precision == "float32" else 2e-2
    losses = []
    for way in ("float32", name):
        fit = candidates.Candidate("dilated-exp-dense", 0.1, candidates.WAYS[way], target)
        losses.append([fit.step().item() for _ in range(4)])
    assert losses[1] == pytest.approx(losses[0], rel=tolerance)
    assert losses[0][3] < losses[0][0]


def test_a_way_that_fails_is_a_row(monkeypatch):
    target = torch.zeros(2, 32, 16)
    ways = {name: candidates.WAYS[name] for name in ("float32", "bfloat16, sub-grids")}
    monkeypatch.setattr(candidates.SubGrids, "forward", lambda *_: 1 / 0)
    rows = []
    sizes = {"width": 0.1, "repeats": 1, "iterations": 1}
    candidates.table("dilated", target, **sizes, write_line=rows.append, ways=ways)
    assert [row.split(" | ")[0] for row in rows[1:]] == ["| float32", "| bfloat16, sub-grids"]
    assert float(rows[1].split(" | ")[1]) > 0
    assert "ZeroDivisionError: division by zero" in rows[2]


@pytest.fixture
def recordings(tmp_path):
    rng = np.random.default_rng(0)
    for corpus in export_clips.CORPORA.values():
        (tmp_path / corpus).mkdir(parents=True)
        for name in ("a", "b", "c"):
            signal = 0.1 * rng.standard_normal(40_000)
            signal[20_000:] *= 2
            soundfile.write(tmp_path / corpus / f"{name}.wav", signal, 16000)
    return tmp_path


def test_export(recordings, tmp_path):
    out = tmp_path / "clips.npz"
    arguments = [str(recordings), "--each", "2", "--out", str(out)]
    said = CliRunner().invoke(export_clips.main, arguments)
    assert said.exit_code == 0, said.output
    with np.load(out) as archive:
        clips, names = archive["clips"], archive["names"]
    assert clips.shape == (8, 16384)
    assert np.abs(clips).max(axis=1) == pytest.approx(np.ones(8))
    assert [name.split("/")[0] for name in names[:4]] == list(export_clips.CORPORA)
    assert len(set(names)) == 8


def test_export_names_what_is_missing(recordings, tmp_path):
    for path in (recordings / "piano" / "test").iterdir():
        path.unlink()
    said = CliRunner().invoke(export_clips.main, [str(recordings)])
    assert said.exit_code == 1
    assert "piano/test: holds no recordings" in said.output


def test_the_loudest_part():
    clip = np.concatenate([np.full(50, 0.1), np.full(30, -0.5), np.full(20, 0.1)])
    np.testing.assert_allclose(quality.loudest(clip, 30), np.full(30, -1.0))
    goal = quality.Noisy(np.sin(np.arange(2048) / 5).astype(np.float32), 0, "cpu")
    # a sine's power is 1/2, the noise's 0.01
    assert goal.snr(goal.noisy) == pytest.approx(17, abs=0.3)


def test_what_gaps_take_anywhere_and_in_sound(tmp_path):
    # a burst of 0.3 s in 2 s of noise at a thousandth of its level
    noise = 1e-4 * np.random.default_rng(0).standard_normal(2 * 16000)
    noise[8000:12800] *= 1000
    for path in gaps.FOLDERS.values():
        (tmp_path / path).mkdir(parents=True)
        soundfile.write(tmp_path / path / "a.wav", noise, 16000, subtype="FLOAT")
    study = gaps.inpainting(tmp_path)
    assert study.experiments["inpaint"].corruption["seconds"] == [0.1, 0.25]
    ratios, levels = gaps.measure(study, "sc09", "sound", clips=5, seeds=3)
    assert len(ratios) == len(levels) == 3  # one clip of the one recording, one gap a second
    assert (ratios < 10).all()
    assert (levels >= -6.1).all()
    assert (levels < 10).all()
    ratios, levels = gaps.measure(study, "sc09", "anywhere", clips=5, seeds=12)
    assert levels.min() < gaps.QUIET_DB
    assert ratios.max() > 30


# What the t interval covers in 2,000 samples: 95 % of normal ones, whatever n. Counts scatter by
# 0.5 % (one standard deviation); a percentile bootstrap covers 84 % at n = 5.
@pytest.mark.parametrize("clips", coverage.CLIPS)
def test_intervals_of_normal_differences_cover(clips):
    cell = coverage.simulate("normal", clips, simulations=2000, resamples=0, seed=1)
    assert cell.coverage["t"] == pytest.approx(0.95, abs=0.02)


# docs/statistics.md has them from 10,000 samples
@pytest.mark.parametrize(
    ("name", "clips", "share"),
    [
        ("exponential", 5, 0.88),
        ("exponential", 50, 0.94),
        ("lognormal", 20, 0.87),
        ("contaminated, both sides", 5, 0.96),
        ("contaminated, both sides", 20, 0.98),
        ("contaminated, one side", 10, 0.70),
    ],
)
def test_intervals_of_other_differences(name, clips, share):
    cell = coverage.simulate(name, clips, simulations=2000, resamples=0, seed=1)
    assert cell.coverage["t"] == pytest.approx(share, abs=0.03)


def test_intervals_by_resampling():
    cell = coverage.simulate("normal", 5, simulations=300, resamples=199, seed=1)
    assert cell.coverage["percentile"] == pytest.approx(0.84, abs=0.07)
    assert cell.coverage["bootstrap-t"] == pytest.approx(0.95, abs=0.05)
    assert cell.length["percentile"] < cell.length["t"] < cell.length["bootstrap-t"]


def test_distributions_have_the_means_they_state():
    rng = np.random.default_rng(0)
    for name, (sample, mean, std) in coverage.DISTRIBUTIONS.items():
        values = sample(rng, (1000, 500))
        assert values.mean() == pytest.approx(mean, abs=0.03), name
        assert values.std() == pytest.approx(std, rel=0.05), name


def test_a_line_for_each_distribution_and_number_of_clips():
    lines = list(coverage.table(simulations=20, resamples=19, seed=0))
    assert len(lines) == 2 + len(coverage.DISTRIBUTIONS) * len(coverage.CLIPS)
    assert {line.count("|") for line in lines} == {9}
    assert lines == list(coverage.table(simulations=20, resamples=19, seed=0))


def test_separation_is_scored_by_the_better_permutation():
    sources = np.random.default_rng(0).normal(size=(2, 100))
    estimates = np.stack((0.9 * sources[1], 0.5 * sources[0]))
    assert separation.snrs(sources, estimates) == pytest.approx([6.0206, 20.0], abs=1e-3)
    assert separation.snrs(sources, estimates[::-1]) == pytest.approx([6.0206, 20.0], abs=1e-3)
    fits = [
        {"snr": [6.0, 1.0], "mixture": [2.0, -2.0], "dead": True, "restarts": 2},
        {"snr": [4.0, 2.0], "mixture": [1.0, -1.0], "dead": False, "restarts": 1},
    ]
    row = separation.row("some", fits)
    assert row == "| some | 2 | 1 | 3 | 5.00 | 1.50 | 1.50 | -1.50 |"


def test_a_fit_of_the_benchmark_of_separation(tone, hiss):
    sources = np.stack((tone[:2048], hiss[:2048]))
    options = replace(separation.BASE, iterations=3, width=0.05, snapshots=1)
    one = separation.fit(sources, "conv", options, 0)
    assert len(one["snr"]) == 2
    assert one["mixture"][0] == pytest.approx(-one["mixture"][1])
    assert (one["dead"], one["restarts"]) in ((True, 0), (False, 0))


def test_what_the_level_does_to_a_restoration(tone, tmp_path, monkeypatch):
    """Of a method that takes a tenth off whatever it is given, and reads nothing of level."""
    soundfile.write(tmp_path / "tone.wav", np.tile(tone, 2), levels.SAMPLE_RATE)
    seeds = []

    def restore(x, sample_rate, *, seed, **options):
        seeds.append(seed)
        offset = np.median(x)
        return SimpleNamespace(audio=offset + (0.9 + 0.01 * seed) * (x - offset))

    monkeypatch.setattr(levels.dap, "restore", restore)
    signal = levels.clean_and_noisy(tmp_path / "tone.wav", 0.2)
    assert np.abs(signal[0]).max() == pytest.approx(0.5)
    assert snr_db(signal[0], signal[1] - signal[0]) == pytest.approx(17, abs=0.2)
    lines = list(levels.rows([tmp_path / "tone.wav"], 3, 0.2, width=0.25))
    assert seeds == [0, 1, 2] * len(levels.CASES)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [cell[0] for cell in cells] == [case.name for case in levels.CASES]
    assert {cell[1] for cell in cells} == {"3"}
    # a tenth less than the tone, or a bit more, and as much less noise
    assert [float(cell[2]) for cell in cells] == pytest.approx([15.97] * len(cells), abs=0.1)
    assert all(0.1 < float(cell[3]) < 1 for cell in cells)
