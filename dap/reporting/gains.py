"""What each method gains over the observation, experiment by experiment, and in words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dap.errors import extra
from dap.scoring.statistics import (
    MIN_CLIPS,
    POOLED,
    by_corpus,
    clip_values,
    paired,
    signed,
    subtract,
)
from dap.tasks import SCOPES

with extra("report"):
    import pandas as pd

COLUMNS = [
    *("experiment", "method", "corpus", "source"),
    *("n", "above", "gain", "low", "high", "whole"),
]
# in inpainting what was filled into the gaps: the network's own signal differs elsewhere, too
SHOWN = ("full", "filled", *SCOPES)


def compared_scope(scopes: Iterable[str]) -> str:
    """That in which a method is compared with the observation, of those that were scored."""
    return min(scopes, key=SHOWN.index)


def compared_values(values: pd.DataFrame, entry: Mapping[str, Any]) -> pd.DataFrame:
    """Those of an experiment's metric, in the scope in which methods are compared.

    Args:
        values: from `dap.scoring.statistics.clip_values`.
        entry: of the experiment, as `gains` takes it.
    """
    chosen = values[(values["experiment"] == entry["name"]) & (values["metric"] == entry["metric"])]
    if chosen.empty:
        return chosen
    return chosen[chosen["scope"] == compared_scope(chosen["scope"])]


def gains(scores: pd.DataFrame, entries: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The mean paired gain of each method over the observation, by its last iterates.

    Args:
        scores: long form, of all experiments.
        entries: of each experiment shown: its name, title, metric (with label, unit and which is
            better) and methods (`dap.study.presentation.figures.overview_setup`).

    Returns:
        a row for each experiment, method, corpus and source, and one for all clips together, with
        `whole`: n, above (how many of these clips gain), gain (their mean, positive is better), low
        and high, the 95 % interval of that mean, NaN below 5 clips. A pair of methods without a
        clip in common has none.
    """
    values = clip_values(scores)
    values = values[values["selection"] == "last"]
    rows = []
    for entry in entries:
        chosen = compared_values(values, entry)
        sides = {
            method: rows_of.set_index(["corpus", "source", "clip"])["value"]
            for method, rows_of in chosen.groupby("method")
        }
        sign = 1 if entry["better"] == "higher" else -1
        for method in entry["methods"]:
            if method not in sides or "observed" not in sides:
                continue
            groups = by_corpus(sign * subtract(sides[method], sides["observed"]))
            for (corpus, source), differences in groups.items():
                test = paired(differences)
                if test.n:
                    whole = corpus == POOLED or len(groups) == 1
                    above = int((differences > 0).sum())
                    numbers = (test.n, above, test.mean, test.low, test.high)
                    rows.append((entry["name"], method, corpus, source, *numbers, whole))
    return pd.DataFrame(rows, columns=COLUMNS)


def in_words(table: pd.DataFrame, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each experiment: which method gains most, and which gains are supported.

    Of too few clips for an interval, a second says on how many of them each method gains.

    Args:
        table: from `gains`.
        entries: as there.
    """
    sentences = []
    for entry in entries:
        rows = table[(table["experiment"] == entry["name"]) & table["whole"]]
        rows = rows[rows["gain"].notna()]  # of +inf and -inf there is no mean
        if rows.empty:
            continue
        best = rows.loc[rows["gain"].idxmax()]
        counts = sorted(set(rows["n"]))
        n = " to ".join(map(str, sorted({counts[0], counts[-1]})))
        unit = f" {entry['unit']}" if entry["unit"] else ""
        what = "gains most over" if best["gain"] > 0 else "is nearest to, and none above,"
        text = (
            f"{entry['title']} ({n} clip{'' if n == '1' else 's'}): {best['method']} {what} "
            f"the observation, {signed(best['gain'])}{unit} {entry['label']}"
        )
        if rows["low"].isna().all():
            sources = table.loc[table["experiment"] == entry["name"], "source"]
            averaged = " That is the mean of a clip's sources; one may be below." * any(sources)
            enough = rows["n"].max() >= MIN_CLIPS
            why = "an infinite mean has no" if enough else "too few clips for an"
            sentences.append(f"{text}; {why} interval. {_by_clip(rows)}{averaged}")
            continue
        if np.isfinite(best["low"]):
            text += f" [{signed(best['low'])}, {signed(best['high'])}]"
        kinds = {
            "is above 0": rows["low"] > 0,
            "is below 0": rows["high"] < 0,
            "contains 0": (rows["low"] <= 0) & (rows["high"] >= 0),
        }
        parts = [
            f"the interval {words} for {', '.join(rows['method'][chosen])}"
            for words, chosen in kinds.items()
            if chosen.any()
        ]
        sentences.append("; ".join([text, *parts]) + ".")
    return sentences


def _by_clip(rows: pd.DataFrame) -> str:
    """On how many clips each method is above the observation, in words."""
    if (rows["above"] == rows["n"]).all():
        return "Every method is above the observation on every clip."
    counts = [
        f"{', '.join(alike['method'])} on {above} of {n}"
        for (above, n), alike in rows.groupby(["above", "n"], sort=False)
    ]
    return f"Clips above the observation: {'; '.join(counts)}."
