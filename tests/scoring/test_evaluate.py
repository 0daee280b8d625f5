from itertools import product

import numpy as np
import pandas as pd
import pytest

from dap.errors import DapError
from dap.metrics.level import psnr, snr
from dap.metrics.separation import sdr, sdr_v4, sir
from dap.metrics.spectral import envelope_distance, spectral_snr
from dap.scoring.evaluate import COLUMNS, oracle, read, score, unfitted
from dap.store import seal, write_bytes

RATE = 16000
NO_TRAJECTORY = {"iterations": np.empty(0, int), "snapshots": np.empty((0, 1, 1))}
DENOISE = {
    "task": "denoise",
    "metrics": ["snr", "psnr"],
    "wanted": ["last", "average", "oracle"],
    "sources": [""],
    "sample_rate": RATE,
    "last_iteration": 100,
}
INPAINT = DENOISE | {"task": "inpaint"}
SEPARATE = DENOISE | {
    "task": "separate",
    "metrics": ["sdr_v4", "sdr", "sir", "snr"],
    "sources": ["a", "b"],
}
SINGLE = {"snr": snr, "spectral_snr": spectral_snr, "envelope_distance": envelope_distance}
JOINT = {"sdr_v4": sdr_v4, "sdr": sdr, "sir": sir}


def frame(references, selections, **options) -> pd.DataFrame:
    return pd.DataFrame(score(references, selections, **NO_TRAJECTORY | options))


def values(rows: pd.DataFrame, *keys: str) -> dict:
    return rows.set_index(list(keys))["value"].to_dict()


@pytest.fixture
def trajectory(tone, hiss):
    """Three snapshots of one output, the second the best: (3, 1, 4096)."""
    noise = hiss[:4096]
    return np.stack([(tone + gain * noise)[np.newaxis] for gain in (1.0, 0.1, 0.5)])


def test_denoising(tone, trajectory):
    selections = {"last": trajectory[2], "average": trajectory[0]}
    rows = frame(
        tone[np.newaxis],
        selections,
        iterations=np.array([1, 10, 100]),
        snapshots=trajectory,
        **DENOISE,
    )
    assert set(rows.columns) == set(COLUMNS) - {"experiment", "corpus", "method", "clip", "seed"}
    assert set(rows["scope"]) == {"full"}
    assert set(rows["source"]) == {""}
    assert set(rows["unit"]) == {"dB"}
    by_hand = [snr(tone, estimate[0], RATE) for estimate in trajectory]
    whole = values(rows[rows["selection"] != "snapshot"], "selection", "metric", "iteration")
    assert whole == {
        ("last", "snr", 100): by_hand[2],
        ("last", "psnr", 100): psnr(tone, trajectory[2, 0], RATE),
        ("average", "snr", 100): by_hand[0],
        ("average", "psnr", 100): psnr(tone, trajectory[0, 0], RATE),
        # the best snapshot, and all metrics of it are taken there
        ("oracle", "snr", 10): by_hand[1],
        ("oracle", "psnr", 10): psnr(tone, trajectory[1, 0], RATE),
    }
    points = values(rows[rows["selection"] == "snapshot"], "metric", "iteration")
    assert points == {("snr", i): by_hand[k] for k, i in enumerate((1, 10, 100))}


def test_dequantizing_has_the_own_and_the_projected_signal(tone, trajectory):
    # raw is the noisiest, projected the best; the trajectory and the oracle follow raw
    snapshots = np.stack([trajectory[[0, 1], 0], trajectory[[2, 1], 0]])  # (2, 2, 4096)
    rows = frame(
        tone[np.newaxis],
        {"last": snapshots[0]},
        iterations=np.array([1, 10]),
        snapshots=snapshots,
        **DENOISE | {"task": "dequantize", "metrics": ["snr"]},
    )
    by_hand = [snr(tone, estimate[0], RATE) for estimate in trajectory]
    assert values(rows, "selection", "scope", "iteration") == {
        ("last", "raw", 100): by_hand[0],
        ("last", "projected", 100): by_hand[1],
        ("snapshot", "raw", 1): by_hand[0],
        ("snapshot", "raw", 10): by_hand[2],
        **{("snapshot", "projected", i): by_hand[1] for i in (1, 10)},
        ("oracle", "raw", 10): by_hand[2],
        ("oracle", "projected", 10): by_hand[1],
    }


def test_a_trajectory_of_more_metrics_and_against_the_observation(tone, hiss, trajectory):
    noisy = (tone + hiss[:4096])[np.newaxis]
    rows = frame(
        tone[np.newaxis],
        {"last": trajectory[2]},
        iterations=np.array([1, 10, 100]),
        snapshots=trajectory,
        trajectory={"clean": ["psnr"], "observed": ["psnr", "snr"]},
        observed=noisy,
        **DENOISE | {"metrics": ["snr"]},
    )
    points = rows[rows["selection"].str.startswith("snapshot")]
    measures = {"snr": snr, "psnr": psnr}
    assert values(points, "selection", "metric", "iteration") == {
        (selection, metric, i): measure(reference, estimate[0], RATE)
        for selection, reference in (("snapshot", tone), ("snapshot-to-observed", noisy[0]))
        for metric, measure in measures.items()
        for i, estimate in zip((1, 10, 100), trajectory, strict=True)
    }
    # the first iterate is the observation, but the oracle is still the best against the clean clip
    assert rows.loc[rows["selection"] == "oracle", "iteration"].eq(10).all()


def test_only_wanted_selections(tone, trajectory):
    options = DENOISE | {"wanted": ["average"]}
    selections = {"last": trajectory[2], "average": trajectory[0]}
    rows = frame(
        tone[np.newaxis], selections, iterations=np.array([7]), snapshots=trajectory[:1], **options
    )
    assert set(rows["selection"]) == {"average", "snapshot"}


def test_observed_has_no_trajectory(tone, trajectory):
    rows = frame(tone[np.newaxis], {"last": trajectory[0]}, **DENOISE | {"last_iteration": 0})
    assert set(rows["selection"]) == {"last"}
    assert set(rows["iteration"]) == {0}


def test_inpainting_has_three_scopes(tone, hiss):
    mask = np.zeros(4096, bool)
    mask[1000:2000] = True
    raw = tone + hiss[:4096]
    filled = np.where(mask, raw, tone + 0.01 * hiss[:4096])
    estimates = np.stack((raw, filled))
    options = INPAINT | {"metrics": ["snr", "psnr", "pesq_nb", "pesq_wb"]}
    rows = frame(
        tone[np.newaxis],
        {"last": estimates},
        iterations=np.array([100]),
        snapshots=estimates[np.newaxis],
        mask=mask,
        **options,
    )
    last = values(rows[rows["selection"] == "last"], "scope", "metric")
    assert last["raw", "snr"] == snr(tone, raw, RATE)
    assert last["filled", "snr"] == snr(tone, filled, RATE)
    assert last["gaps", "snr"] == snr(tone, filled, RATE, mask)
    assert last["gaps", "psnr"] == psnr(tone[mask], raw[mask], RATE)
    assert last["gaps", "snr"] < last["filled", "snr"]
    # PESQ is of whole signals
    assert {scope for scope, metric in last if metric.startswith("pesq")} == {"raw", "filled"}
    assert values(rows[rows["selection"] == "snapshot"], "scope", "metric") == {
        (scope, "snr"): last[scope, "snr"] for scope in ("raw", "filled")
    }


def test_the_oracle_of_inpainting_judges_the_networks_own_output(tone, hiss):
    good, bad = tone + 0.01 * hiss[:4096], tone + 0.1 * hiss[:4096]
    rows = frame(
        tone[np.newaxis],
        {},
        iterations=np.array([10, 20]),
        snapshots=np.stack((np.stack((good, bad)), np.stack((bad, good)))),
        mask=np.zeros(4096, bool),
        **INPAINT | {"metrics": ["snr"], "wanted": ["oracle"]},
    )
    assert rows.loc[rows["selection"] == "oracle", "iteration"].eq(10).all()


@pytest.fixture
def pair(tone, hiss):
    return np.stack((tone, hiss[:4096]))


def test_separated_sources_are_told_apart(pair):
    estimates = pair + 0.05 * pair[::-1]
    straight = frame(pair, {"last": estimates}, **SEPARATE)
    swapped = frame(pair, {"last": estimates[::-1]}, **SEPARATE)
    pd.testing.assert_frame_equal(straight, swapped)
    by_source = values(straight, "source", "metric")
    for j, source in enumerate("ab"):
        assert by_source[source, "snr"] == snr(pair[j], estimates[j], RATE)
        assert by_source[source, "sdr_v4"] == by_source[source, "snr"]
        # the other source is all that is wrong
        assert by_source[source, "sdr"] == pytest.approx(by_source[source, "sir"], abs=0.1)
    assert by_source["a", "snr"] > by_source["b", "snr"] > 10


def test_oracle_of_the_best_mean_sdr_v4(pair):
    snapshots = np.stack([pair + gain * pair[::-1] for gain in (0.5, 0.05, 0.2)])
    rows = frame(
        pair,
        {"last": snapshots[2]},
        iterations=np.array([1, 2, 3]),
        snapshots=snapshots,
        **SEPARATE,
    )
    oracle = rows[rows["selection"] == "oracle"]
    assert set(oracle["iteration"]) == {2}
    points = rows[rows["selection"] == "snapshot"]
    assert set(points["metric"]) == {"sdr_v4"}
    assert list(points.groupby("iteration")["value"].mean().argsort()) == [0, 2, 1]
    both = points[points["iteration"] == 2]
    assert values(both, "source") == values(oracle[oracle["metric"] == "sdr_v4"], "source")


def test_the_oracle_takes_no_snapshot_of_nearly_nothing(pair):
    # hardly any leakage, at a thousandth of the level; and more leakage, at the right level
    snapshots = np.stack([1e-3 * (pair + 0.01 * pair[::-1]), pair + 0.3 * pair[::-1]])
    rows = frame(pair, {}, iterations=np.array([1, 9]), snapshots=snapshots, **SEPARATE)
    assert set(rows.loc[rows["selection"] == "oracle", "iteration"]) == {9}
    # version 3 would have taken the first
    faint, loud = (
        np.mean([value for (_, metric), value in values(each, "source", "metric").items()
                 if metric == "sdr"])
        for each in (frame(pair, {"last": snapshot}, **SEPARATE) for snapshot in snapshots)
    )  # fmt: skip
    assert faint > loud + 20


def test_one_permutation_for_all_metrics(pair):
    # SNR keeps the order, and SIR would exchange the estimates
    estimates = np.stack((0.5 * pair[0] + 0.4 * pair[1], 1e-4 * pair[0]))
    metrics = ["sdr_v4", "snr", "sdr", "sir", "spectral_snr", "envelope_distance"]
    rows = frame(pair, {"last": estimates[::-1]}, **SEPARATE | {"metrics": metrics})
    assert values(rows, "source", "metric") == {
        **{(source, name): function(pair[j], estimates[j], RATE)
           for j, source in enumerate("ab")
           for name, function in SINGLE.items()},
        **{(source, name): function(pair, estimates, RATE)[j]
           for j, source in enumerate("ab")
           for name, function in JOINT.items()},
    }  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_one_silent_estimate_leaves_the_other_sources_scores(pair):
    metrics = [*JOINT, *SINGLE, "sar", "si_sdr"]
    estimates = np.stack((np.zeros(4096, np.float32), pair[0] + 0.1 * pair[1]))
    rows = frame(pair, {"last": estimates}, **SEPARATE | {"metrics": metrics})
    by_source = values(rows, "source", "metric")
    silent = {metric: by_source["b", metric] for metric in metrics}
    assert [silent[name] for name in ("sdr_v4", "snr", "spectral_snr", "sdr")] == [0, 0, 0, 0]
    assert silent["envelope_distance"] == envelope_distance(pair[1], 0 * pair[1], RATE)
    assert {name for name in metrics if np.isnan(silent[name])} == {"sir", "sar", "si_sdr"}
    # as if the other estimate were the source itself
    beside = np.stack((estimates[1], pair[1]))
    expected = values(
        frame(pair, {"last": beside}, **SEPARATE | {"metrics": metrics}), "source", "metric"
    )
    assert {metric: by_source["a", metric] for metric in metrics} == {
        metric: expected["a", metric] for metric in metrics
    }


def test_a_silent_reference_alone_is_unscorable(pair, tone):
    references = np.stack((pair[0], np.zeros(4096, np.float32)))
    rows = frame(references, {"last": pair}, **SEPARATE)
    by_source = values(rows, "source", "metric")
    assert by_source["a", "snr"] == by_source["a", "sdr_v4"] == np.inf
    missing = {key for key, value in by_source.items() if np.isnan(value)}
    # version 3 cannot project on silence, so it scores neither
    assert missing == {("b", "snr"), ("b", "sdr_v4"), *product("ab", ("sdr", "sir"))}
    nothing = frame(np.zeros((1, 4096)), {"last": tone[np.newaxis]}, **DENOISE)
    assert values(nothing, "metric") == {
        "snr": pytest.approx(np.nan, nan_ok=True),
        "psnr": psnr(np.zeros(4096), tone, RATE),
    }


def test_where_version_3_is_singular_only_its_metrics_are_missing(pair):
    references = np.stack((pair[0], pair[0]))
    rows = frame(references, {"last": 0.5 * references}, **SEPARATE)
    scores = values(rows, "source", "metric")
    assert {metric for (_, metric), value in scores.items() if np.isnan(value)} == {"sdr", "sir"}
    assert scores["a", "sdr_v4"] == pytest.approx(20 * np.log10(2), abs=1e-5)


def test_a_trajectory_that_begins_with_nothing(pair):
    snapshots = np.stack((np.zeros_like(pair), pair + 0.5 * pair[::-1]))
    rows = frame(
        pair,
        {"last": snapshots[1]},
        iterations=np.array([1, 9]),
        snapshots=snapshots,
        **SEPARATE,
    )
    points = values(rows[rows["selection"] == "snapshot"], "iteration", "source")
    assert (points[1, "a"], points[1, "b"]) == (0, 0)
    # the one source has gained more than the other has lost
    assert points[9, "a"] > 10 > 0 > points[9, "b"]
    assert set(rows.loc[rows["selection"] == "oracle", "iteration"]) == {9}


def test_read_keeps_empty_names_and_missing_values(tmp_path):
    head = ",".join(COLUMNS)
    lines = [
        "e,none,conv,NA,0,,full,last,100,snr,1.5,dB",
        "e,none,conv,001,0,,full,last,100,pesq_nb,nan,",
        "e,none,conv,001,1,null,full,last,100,snr,inf,dB",
    ]
    for name, rows in (("a", lines[:2]), ("b", lines[2:])):
        write_bytes(tmp_path / f"{name}.csv", "\n".join([head, *rows, ""]).encode())
    rows = read([tmp_path / "a.csv", str(tmp_path / "b.csv")])
    assert rows.columns.to_list() == COLUMNS
    assert rows["source"].to_list() == ["", "", "null"]
    assert rows["clip"].to_list() == ["NA", "001", "001"]
    assert rows["corpus"].to_list() == ["none"] * 3
    assert rows["unit"].to_list() == ["dB", "", "dB"]
    assert rows["seed"].to_list() == [0, 0, 1]
    np.testing.assert_array_equal(rows["value"], [1.5, np.nan, np.inf])


@pytest.mark.parametrize(
    ("options", "scopes"),
    [(DENOISE, ["full"]), (INPAINT, ["raw", "filled", "gaps"]), (SEPARATE, ["full"])],
)
def test_a_missing_fit_lacks_what_a_fit_would_have(tone, options, scopes):
    metrics, sources = options["metrics"], options["sources"]
    arguments = {"task": options["task"], "metrics": metrics, "sources": sources}
    rows = pd.DataFrame(unfitted("it diverged", wanted=["last", "oracle"], **arguments))
    assert set(rows.columns) == set(COLUMNS) - {"experiment", "corpus", "method", "clip", "seed"}
    assert rows["value"].isna().all()
    assert set(rows["missing"]) == {"it diverged"}
    keys = ["source", "scope", "selection", "metric"]
    expected = {(a, b, c, d) for a in sources for b in scopes for c in ("last", "oracle")
                for d in metrics}  # fmt: skip
    assert set(rows[keys].itertuples(index=False, name=None)) == expected
    assert len(rows) == len(expected)


def test_a_metric_of_whole_signals_lacks_nothing_inside_gaps():
    rows = unfitted("x", task="inpaint", metrics=["pesq_wb"], wanted=["last"], sources=[""])
    assert [row["scope"] for row in rows] == ["raw", "filled"]


def test_torn_scores_are_noticed(tmp_path):
    path = tmp_path / "000.csv"
    write_bytes(path, (",".join(COLUMNS) + "\n" + "e,c,m,a,0,,full,last,1,snr,1.5,dB,\n").encode())
    assert read([path])["missing"].to_list() == [""]
    seal(path)
    assert read([path])["value"].to_list() == [1.5]
    path.write_bytes(path.read_bytes().replace(b"1.5", b"2.5"))
    with pytest.raises(DapError, match=r"000\.csv: is torn or was changed .* delete .*000\.csv"):
        read([path])


@pytest.mark.parametrize(
    ("quality", "best"),
    [
        ([1.0, 3.0, 2.0], 1),
        ([1.0, 3.0, 3.0], 1),  # the first of equals
        ([np.nan, -3.0, -5.0], 1),
        ([1.0, np.inf, np.nan], 1),
        ([np.nan, np.nan], 0),
        ([-np.inf], 0),
    ],
)
def test_oracle(quality, best):
    assert oracle(np.array(quality)) == best
