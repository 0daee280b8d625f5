"""Of all that was measured: the best at its cost, by cell, as a table and a figure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.frontier.sets import CELLS
from dap.reporting.figures.style import new_figure, plain_ticks, save, style
from dap.scoring.statistics import paired, signed

# what a difference is to
REFERENCE = "dilated-exp-dense, fast, width 0.25, hop 256"
# the shortest times are those of a call
LEAST_SECONDS = 1e-3
# in gaps what was filled counts, since what was observed need not be restored
SCOPES = ("full", "filled", "projected")


def load(path: Path) -> pd.DataFrame:
    """The scores of a file; NaN where a clip could not be scored."""
    return pd.read_csv(path, keep_default_na=False, na_values={"value": ["nan"]})


def by_clip(scores: pd.DataFrame, cell: str, which: str, metric: str) -> pd.DataFrame:
    """A metric of a cell's clips, by way and selection.

    The mean over sources and seeds; of the first scope, the network's own signal; in inpainting,
    of the filled one, since what was observed need not be restored.

    Returns:
        columns way, selection, clip, value, and `cost`: seconds of one thread's work for each
        second of sound.
    """
    rows = _rows(scores, cell, which, metric)
    rows = rows.assign(cost=rows["cpu_seconds"] / rows["audio_seconds"])
    return rows.groupby(["way", "selection", "clip"], as_index=False)[["value", "cost"]].mean()


def _rows(scores: pd.DataFrame, cell: str, which: str, metric: str) -> pd.DataFrame:
    chosen = (scores["set"] == which) & (scores["cell"] == cell) & (scores["metric"] == metric)
    chosen &= scores["selection"] != "snapshot"
    chosen &= scores["scope"].isin(SCOPES)
    rows = scores[chosen]
    # what was measured again, with other code, counts once
    measurement = rows.groupby(["way", "clip", "seed"])["key"]
    return rows[rows["key"] == measurement.transform("last")]


def stops(scores: pd.DataFrame, which: str, ways: Sequence[str]) -> str:
    """What the iterate "stop" of fits is ahead of the best and of the last one by.

    Returns:
        a table in Markdown: the mean over cells of the means over their clips, and the worst cell.
    """
    lines = [
        "| fit | cells | clips | to the best, dB | worst | to the last | worst | iterations |",
        "| --- |" + " ---: |" * 7,
    ]
    for way in ways:
        rows = pd.concat(
            _rows(scores[scores["way"] == way], name, which, cell.metrics[0])
            for name, cell in CELLS.items()
        )
        rows = rows.assign(iteration=pd.to_numeric(rows["iteration"]))
        clips = rows.pivot_table(index=["cell", "clip"], columns="selection", values="value")
        ends = rows[rows["selection"] == "last"].groupby(["cell", "clip"])["iteration"].mean()
        gains = [clips["stop"] - clips[other] for other in ("oracle", "last")]
        cells = [gain.groupby("cell").mean() for gain in gains]
        told = " | ".join(f"{signed(each.mean())} | {signed(each.min())}" for each in cells)
        length = ends.groupby("cell").mean()
        lines.append(f"| {way} | {len(length)} | {len(clips)} | {told} | {length.mean():.0f} |")
    return "\n".join(lines)


def summary(clips: pd.DataFrame, reference: str = REFERENCE) -> pd.DataFrame:
    """Each way and selection over its clips, in the order of cost.

    Returns:
        columns way, selection, n, value, cost, `best` (nothing cheaper is as good, among those with
        the most clips; the oracle is no competitor), `difference`, `low`, `high`: the mean over
        common clips of the difference to the average of the reference, and its 95 % interval; NaN
        where there is none (below 5 clips, no interval).
    """
    base = clips[(clips["way"] == reference) & (clips["selection"] == "average")]
    base = base.set_index("clip")["value"]
    lines = []
    for (way, selection), group in clips.groupby(["way", "selection"]):
        values = group.set_index("clip")["value"]
        against = paired(values - base)
        lines.append(
            (way, selection, len(values), values.mean(), group["cost"].mean(), *against[1:4])
        )
    names = ["way", "selection", "n", "value", "cost", "difference", "low", "high"]
    table = pd.DataFrame(lines, columns=names).sort_values(["cost", "value"], ignore_index=True)
    full = (table["n"] == table["n"].max()) & (table["selection"] != "oracle")
    before = table["value"].where(full).cummax().shift(fill_value=-np.inf)
    table["best"] = full & (table["value"] > before.ffill())
    return table


def write_table(scores: pd.DataFrame, which: str, path: Path) -> None:
    """All cells of a set as Markdown."""
    parts = []
    for cell in CELLS:
        metric = CELLS[cell].metrics[0]
        clips = by_clip(scores, cell, which, metric)
        if clips.empty:
            continue
        lines = [
            f"| {'**' if line.best else ''}{line.way}{'**' if line.best else ''} "
            f"| {line.selection} | {line.n} | {line.value:.2f} | {interval(line)} "
            f"| {line.cost:.3g} |"
            for line in summary(clips).itertuples()
        ]
        parts.append(
            f"### {cell}\n\n| way | iterate | n | {metric} | against the reference | s |\n"
            "| --- | --- | ---: | ---: | ---: | ---: |\n" + "\n".join(lines)
        )
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def interval(line: tuple) -> str:
    """A difference and its interval in words."""
    if np.isnan(line.difference):
        return ""
    if np.isnan(line.low):
        return signed(line.difference)
    return f"{signed(line.difference)} [{signed(line.low)}, {signed(line.high)}]"


def differences(
    scores: pd.DataFrame, which: str, way: str, others: Sequence[str], metric: str = ""
) -> str:
    """What a way is ahead of others by, cell by cell and over all clips of a corruption.

    Of fits, the iterate "stop" counts, or the last, where there is none.

    Args:
        metric: that of the task by default.

    Returns:
        a table in Markdown: means over clips that both have, with 95 % t intervals. A clip that
        is in several cells of a corruption counts once, with the mean over these.
    """
    lines = [
        f"| cell | n | {way} | {' | '.join(others)} |",
        "| --- |" + " ---: |" * (len(others) + 2),
    ]
    pooled: dict[str, list[pd.DataFrame]] = {}
    for name, cell in CELLS.items():
        if metric and metric not in cell.metrics:
            continue
        clips = by_clip(scores, name, which, metric or cell.metrics[0])
        rank = clips["selection"].map({"stop": 0, "last": 1})
        clips = clips[rank.notna()].assign(rank=rank).sort_values("rank")
        clips = clips.drop_duplicates(["way", "clip"])
        table = clips.pivot_table(index="clip", columns="way", values="value")
        if way not in table or not set(others) & set(table):
            continue
        lines.append(_differences(name, table, way, others))
        table.index = [f"{'+'.join(cell.corpora)} {clip}" for clip in table.index]
        pooled.setdefault(cell.corruption["kind"], []).append(table)
    for kind, tables in pooled.items():
        if len(tables) > 1:
            each = pd.concat(tables)
            # of a clip, the mean over the cells that both have
            gains = {other: each[way] - each.get(other, np.nan) for other in others}
            means = pd.DataFrame(gains).groupby(level=0).mean()
            lines.append(
                _differences(f"**{kind}**", means.rsub(0).assign(**{way: 0.0}), way, others)
            )
    return "\n".join(lines)


def _differences(name: str, table: pd.DataFrame, way: str, others: Sequence[str]) -> str:
    """A line: the way's mean, where it is not the zero of differences, and what it is ahead by."""
    value = f"{table[way].mean():.2f}" if table[way].any() else ""
    told, pairs = [], 0
    for other in others:
        gain = paired(table[way] - table[other]) if other in table else paired([])
        pairs = max(pairs, gain.n)
        text = "" if not gain.n else signed(gain.mean)
        told.append(
            text if np.isnan(gain.low) else f"{text} [{signed(gain.low)}, {signed(gain.high)}]"
        )
    return f"| {name} | {pairs} | {value} | {' | '.join(told)} |"


def draw(scores: pd.DataFrame, which: str, stem: Path, cells: Sequence[str] = tuple(CELLS)) -> None:
    """Quality over cost, a panel for each cell that was measured; the best are joined."""
    measured = {cell: by_clip(scores, cell, which, CELLS[cell].metrics[0]) for cell in cells}
    measured = {cell: summary(clips) for cell, clips in measured.items() if len(clips)}
    columns = min(4, len(measured))
    rows = -(-len(measured) // columns)
    with style():
        figure = new_figure(3.2 * columns, 2.6 * rows)
        for index, (cell, table) in enumerate(measured.items()):
            panel = figure.add_subplot(rows, columns, index + 1)
            table = table.assign(cost=table["cost"].clip(lower=LEAST_SECONDS))
            for selection, mark in (
                ("last", "o"),
                ("average", "s"),
                ("stop", "D"),
                ("oracle", "x"),
            ):
                points = table[table["selection"] == selection]
                panel.plot(points["cost"], points["value"], mark, ms=4, alpha=0.7, label=selection)
            best = table[table["best"]]
            panel.step(best["cost"], best["value"], where="post", color="0.4", lw=1)
            panel.set_xscale("log")
            plain_ticks(panel.xaxis, "{x:g}")
            panel.set(title=cell, ylabel=CELLS[cell].metrics[0])
            if index == 0:
                panel.legend(frameon=False)
        figure.supxlabel("seconds of one thread for each second of sound")
        save(figure, stem)
