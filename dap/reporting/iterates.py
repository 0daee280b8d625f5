"""What the choice of an iterate costs: how far below the oracle those are that a user can have."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dap.errors import extra
from dap.reporting.gains import compared_values
from dap.scoring.statistics import Paired, by_corpus, clip_values, paired, signed, subtract

with extra("report"):
    import pandas as pd

ORACLE = "oracle"
CHOSEN = ("last", "stop")  # without the clean clip


def distances(
    scores: pd.DataFrame, entries: Sequence[Mapping[str, Any]]
) -> list[dict[str, str | int]]:
    """The oracle's value by method, and the mean paired differences of other iterates to it.

    Args:
        scores: long form, of all experiments.
        entries: of each experiment shown: its name, title, metric (with label, unit and which is
            better) and methods (`dap.study.presentation.figures.overview_setup`).

    Returns:
        a row for each experiment, corpus, source and method that has an oracle, and one for all
        clips together where there are several: experiment, metric (with its unit), corpus, source,
        method, clips, oracle (the mean), last and stop (the mean difference to the oracle, signed,
        with its 95 % interval from 5 clips on; "" where there is none). The oracle is the iterate
        that is best in the task's quality: by another metric, one of the others may be above it.
    """
    values = clip_values(scores)
    rows = []
    for entry in entries:
        chosen = compared_values(values, entry)
        for method in entry["methods"]:
            of_method = chosen[chosen["method"] == method]
            sides = {
                selection: side.set_index(["corpus", "source", "clip"])["value"]
                for selection, side in of_method.groupby("selection")
            }
            if ORACLE not in sides:
                continue
            others = {
                selection: by_corpus(subtract(sides[selection], sides[ORACLE]))
                for selection in CHOSEN
                if selection in sides
            }
            for group, best in by_corpus(sides[ORACLE]).items():
                corpus, source = group
                oracle = paired(best)
                if not oracle.n:
                    continue
                unit = f" ({entry['unit']})" if entry["unit"] else ""
                row: dict[str, str | int] = {"experiment": entry["title"]}
                row |= {"metric": f"{entry['label']}{unit}", "corpus": corpus, "source": source}
                row |= {"method": method, "clips": oracle.n, ORACLE: f"{oracle.mean:.2f}"}
                for selection in CHOSEN:
                    of_group = others.get(selection, {}).get(group)
                    row[selection] = "" if of_group is None else _text(paired(of_group))
                rows.append(row)
    return rows


def _text(test: Paired) -> str:
    """A mean difference, with its interval where there is one; "" without a pair."""
    if not test.n:
        return ""
    text = signed(test.mean)
    return text + ("" if np.isnan(test.low) else f" [{signed(test.low)}, {signed(test.high)}]")
