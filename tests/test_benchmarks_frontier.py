"""Quality against seconds: the sets of clips, what is measured once, and what is best."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchmarks.frontier import front, measure
from benchmarks.frontier.sets import CELLS, count, files, observe
from benchmarks.frontier.ways import WAYS
from dap.errors import DapError
from dap.study.code_hash import Code


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A second of a tone in each corpus's layout; of digits, two speakers a digit."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    names = [f"LJSpeech-1.1/wavs/{k}" for k in range(4)]
    names += [f"{part}/{k}" for part in ("piano/test", "drums/test") for k in range(3)]
    names += [f"music/cello/{k}" for k in range(2)] + [f"noise/street/{k}" for k in range(2)]
    names += [f"sc09/test/{d}_{s}_nohash_0" for d in ("One", "Two") for s in ("aa", "bb", "cc")]
    for number, name in enumerate(names):
        path = (folder / name).with_suffix(".wav")
        path.parent.mkdir(parents=True, exist_ok=True)
        tone = 0.3 * np.sin(np.arange(16000) * 2 * np.pi * (100 + 10 * number) / 16000)
        soundfile.write(path, tone + 0.01 * rng.normal(size=16000), 16000)
    return folder


def test_the_sets_share_no_recording_and_no_speaker(recordings):
    for corpus in ("ljspeech", "piano", "drums", "music", "noise", "sc09"):
        choose, judge = (set(files(recordings, corpus, which)) for which in ("choose", "judge"))
        assert choose
        assert judge
        assert not choose & judge
    speakers = [
        {path.name.split("_")[1] for path in files(recordings, "sc09", which)}
        for which in ("choose", "judge")
    ]
    # aa and cc, and bb; one recording of each
    assert speakers == [{"aa", "cc"}, {"bb"}]
    assert len(files(recordings, "sc09", "choose")) == 2


def test_folders_without_recordings_are_named(tmp_path):
    with pytest.raises(DapError, match=r"wavs: holds no recordings"):
        files(tmp_path, "ljspeech", "choose")


def test_cells_have_as_many_clips_as_the_smaller_of_two_corpora():
    assert count(CELLS["gaussian-0.1/sc09"]) == 12
    assert count(CELLS["mixture/piano+drums"]) == 15


def test_observations_are_what_the_cell_says(recordings):
    clean, noisy = observe(recordings, "gaussian-0.1/ljspeech", "choose", 0)
    assert clean.shape == (1, 8192)
    assert np.std(noisy.signal - clean[0]) == pytest.approx(0.1, rel=0.03)
    clean, mixed = observe(recordings, "mixture/piano+drums", "choose", 0)
    np.testing.assert_allclose(mixed.signal, clean.sum(axis=0), atol=1e-6)
    _, noisy = observe(recordings, "environmental/ljspeech", "judge", 0)
    assert 5 <= noisy.metadata["snr_db"] <= 9


def test_differences_are_of_the_clips_that_both_have():
    # way, selection and clip -> value; the last iterate does not count where there is a stop's
    values = {("a", "stop", 0): 3, ("a", "stop", 1): 5, ("a", "stop", 2): 10, ("a", "last", 0): 50}
    values |= {("b", "last", 0): 2, ("b", "last", 1): 1}
    rows = [
        {"key": f"{cell} {way} {clip}", "set": "choose", "cell": cell, "clip": clip, "way": way,
         "seed": 0, "selection": selection, "scope": "full", "metric": "snr",
         "value": value + more * (way == "a"), "cpu_seconds": 1.0, "audio_seconds": 1.0}
        for cell, more in (("gaussian-0.1/piano", 0.0), ("gaussian-0.05/piano", 2.0))
        for (way, selection, clip), value in values.items()
    ]  # fmt: skip
    table = front.differences(pd.DataFrame(rows), "choose", "a", ["b", "c"])
    assert table.splitlines()[2:] == [
        "| gaussian-0.1/piano | 2 | 6.00 | +2.50 |  |",
        "| gaussian-0.05/piano | 2 | 8.00 | +4.50 |  |",
        "| **gaussian** | 2 |  | +3.50 |  |",
    ]


def test_what_a_stop_is_ahead_of_the_best_and_of_the_last_by():
    clips = {("gaussian-0.1/piano", 0): (7, 9, 5, 400), ("gaussian-0.1/piano", 1): (8, 8, 8, 600),
             ("frames/sc09", 0): (2, 3, 4, 1000)}  # fmt: skip
    rows = [
        {"key": f"{cell} {clip}", "set": "judge", "cell": cell, "clip": clip, "way": "a", "seed": 0,
         "selection": selection, "scope": scope, "metric": CELLS[cell].metrics[0],
         "value": value if scope != "raw" else 99, "iteration": str(iteration)}
        for (cell, clip), (stop, oracle, last, end) in clips.items()
        for selection, value, iteration in (
            ("stop", stop, 10), ("oracle", oracle, 20), ("last", last, end))
        for scope in ("raw", "filled" if cell == "frames/sc09" else "full")
    ]  # fmt: skip
    # in the mean of two cells, of -1.0 and +1.0 and of -1.0 and -2.0, and of 500 and 1000
    assert front.stops(pd.DataFrame(rows), "judge", ["a"]).splitlines()[2:] == [
        "| a | 2 | 3 | -1.00 | -1.00 | -0.50 | -2.00 | 750 |"
    ]


def test_gaps_are_of_10_to_60_ms(recordings):
    _, observation = observe(recordings, "dropouts/ljspeech", "choose", 0)
    assert 160 <= observation.known["mask"].sum() <= 960


def test_a_way_suits_the_tasks_of_its_method_and_of_what_it_is_fed():
    fed = WAYS["dilated-exp-dense, stopped, width 0.25, hop 256, fed janssen"]
    assert [cell for cell in CELLS if fed.suits(CELLS[cell])] == [
        cell for cell in CELLS if CELLS[cell].task == "inpaint"
    ]
    assert [offer.name for offer in fed.fed("inpaint")] == ["janssen"]
    assert all(WAYS["dap-best"].suits(cell) for cell in CELLS.values())
    assert WAYS["dap-best"].options("dequantize").input == "cell-projection"


def test_keys_depend_on_all_that_a_result_depends_on():
    code = Code()
    asked = ("gaussian-0.1/sc09", "choose", 0, "conv, fast, width 0.25", 0)
    others = [
        ("gaussian-0.05/sc09", *asked[1:]),
        (asked[0], "judge", *asked[2:]),
        (*asked[:2], 1, *asked[3:]),
        (*asked[:3], "conv, fast, width 0.5", 0),
        (*asked[:4], 1),
    ]
    keys = {measure.key(*each, code) for each in [asked, *others]}
    assert len(keys) == 6
    assert measure.key(*asked, code) in keys


def test_a_measurement_is_kept_and_not_asked_for_again(recordings, tmp_path):
    rows = measure.measure(recordings, "gaussian-0.1/ljspeech", "choose", 0, "wavelet", 0)
    assert {(row["selection"], row["metric"]) for row in rows} == {
        ("last", "snr"),
        ("last", "pesq_wb"),
    }
    path = tmp_path / "results" / "scores.csv"
    assert measure.measured(path) == set()
    measure.append(path, "abc", rows)
    measure.append(path, "def", rows)
    assert measure.measured(path) == {"abc", "def"}
    table = pd.read_csv(path)
    assert list(table) == measure.COLUMNS
    assert len(table) == 2 * len(rows)


def test_the_best_are_those_that_nothing_cheaper_equals():
    lines = [
        ("free", "last", 3.0, 0.0),
        ("good", "last", 9.0, 1.0),
        ("worse", "last", 8.0, 2.0),
        ("worse", "oracle", 99.0, 2.0),
        (front.REFERENCE, "average", 10.0, 4.0),
    ]
    clips = pd.DataFrame(
        [(way, selection, clip, value + clip, cost) for clip in range(5)
         for way, selection, value, cost in lines],
        columns=["way", "selection", "clip", "value", "cost"],
    )  # fmt: skip
    table = front.summary(clips).set_index(["way", "selection"])
    best = table.index[table["best"]].tolist()
    assert best == [("free", "last"), ("good", "last"), (front.REFERENCE, "average")]
    good = table.loc["good", "last"]
    assert (good["n"], good["value"], good["difference"]) == (5, 11.0, -1.0)
    # the same difference on each clip
    assert (good["low"], good["high"]) == (-1.0, -1.0)


def test_a_way_with_fewer_clips_is_not_the_best():
    rows = [("all", "last", clip, 1.0, 1.0) for clip in (0, 1)] + [("some", "last", 0, 5.0, 0.1)]
    clips = pd.DataFrame(rows, columns=["way", "selection", "clip", "value", "cost"])
    table = front.summary(clips).set_index("way")
    assert table["best"].to_dict() == {"all": True, "some": False}
    assert np.isnan(table.loc["all", "difference"])
