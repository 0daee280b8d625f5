"""Votes of blind comparisons, as the report's listening page exports them, and their tally."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dap.errors import DapError, extra

with extra("report"):
    import pandas as pd
    from statsmodels.stats.proportion import proportion_confint

FORMAT = "dap preferences 1"
# of a file and of a vote; all are texts
FILE = ("study", "sounds", "listener")
VOTE = ("id", "experiment", "corpus", "clip", "source", "a", "b", "preferred")
ANY = "any"
COLUMNS = (
    "experiment",
    "method",
    "against",
    "listeners",
    "trials",
    "preferred",
    "share",
    "low",
    "high",
)


def read_votes(paths: Sequence[Path]) -> tuple[str, list[dict[str, str]]]:
    """The study's name, and the votes of several files, each vote once.

    A listener who exports twice has the first votes in both files.

    Returns:
        the votes with the columns of VOTE, and listener.

    Raises:
        DapError: a file is damaged, or of another study or of other sounds than the first; or
            there is no vote.
    """
    votes: dict[str, dict[str, str]] = {}
    first: Mapping[str, Any] = {}
    for path in paths:
        file = _read(path)
        first = first or file
        if file["study"] != first["study"]:
            raise DapError(
                f"{path}: is of the study {file['study']!r}, and {paths[0]} of {first['study']!r}: "
                "tally each study by itself"
            )
        if file["sounds"] != first["sounds"]:
            raise DapError(
                f"{path}: its votes are on other sounds than those of {paths[0]}, as of another "
                f"run of {first['study']!r}: tally each run by itself"
            )
        for vote in file["votes"]:
            votes[vote["id"]] = {key: vote[key] for key in VOTE} | {"listener": file["listener"]}
    if not votes:
        raise DapError(f"{paths[0]}: holds no vote: vote in the report first")
    return str(first["study"]), list(votes.values())


def _read(path: Path) -> dict[str, Any]:
    remedy = "export the votes again"
    try:
        file = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DapError(f"{path}: cannot be read ({error.strerror}): put that right") from error
    except (ValueError, RecursionError) as error:
        raise DapError(f"{path}: is damaged, or no file of votes ({error}): {remedy}") from error
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        raise DapError(f"{path}: is no file of votes of this form, {FORMAT!r}: {remedy}")
    if not (_texts(file, FILE) and isinstance(file.get("votes"), list)):
        raise DapError(f"{path}: is damaged, it lacks {', '.join(FILE)} or votes: {remedy}")
    for number, vote in enumerate(file["votes"], start=1):
        whole = isinstance(vote, dict) and _texts(vote, VOTE)
        if not whole or vote["preferred"] not in ("a", "b") or vote["a"] == vote["b"]:
            raise DapError(f"{path}: is damaged in vote {number}: {remedy}")
    return file


def _texts(mapping: Mapping[str, Any], keys: Iterable[str]) -> bool:
    return all(isinstance(mapping.get(key), str) for key in keys)


def tally(votes: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """How often each method was preferred, against any other and against each.

    The interval is Wilson's for a share of independent trials. Trials of one listener, or of one
    clip, are not independent: with few of either, the true uncertainty is larger.

    Args:
        votes: from `read_votes`.

    Returns:
        columns experiment, method, against ("any", or a method), listeners, trials, preferred,
        share, low, high; by experiment, "any" first, in the order of shares.
    """
    sides = pd.DataFrame(
        [
            {
                "experiment": vote["experiment"],
                "method": vote[side],
                "against": against,
                "listener": vote["listener"],
                "won": vote["preferred"] == side,
            }
            for vote in votes
            for side, other in (("a", "b"), ("b", "a"))
            for against in (ANY, vote[other])
        ],
        columns=["experiment", "method", "against", "listener", "won"],
    )
    table = (
        sides.groupby(["experiment", "method", "against"])
        .agg(listeners=("listener", "nunique"), trials=("won", "size"), preferred=("won", "sum"))
        .reset_index()
    )
    low, high = proportion_confint(table["preferred"], table["trials"], method="wilson")
    table = table.assign(share=table["preferred"] / table["trials"], low=low, high=high)
    order = table.assign(pairs=table["against"] != ANY).sort_values(
        ["experiment", "pairs", "share", "method", "against"],
        ascending=[True, True, False, True, True],
    )
    return order[list(COLUMNS)].reset_index(drop=True)


def to_csv(table: pd.DataFrame) -> str:
    """The tally as CSV."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def to_markdown(study: str, table: pd.DataFrame) -> str:
    """The tally as GitHub tables: for each experiment the column of the methods, and the pairs."""
    parts = [f"# Preferences: {study}"]
    for experiment, rows in table.groupby("experiment", sort=False):
        parts.append(f"## {experiment}")
        for pairs in (False, True):
            chosen = rows[(rows["against"] != ANY) == pairs]
            names = ["method", "over"] if pairs else ["method"]
            heading = [*names, "listeners", "trials", "preferred", "share [95 %]"]
            lines = [heading, ["---"] * len(names) + ["---:"] * 4]
            for row in chosen.to_dict("records"):
                share = "{share:.2f} [{low:.2f}, {high:.2f}]".format_map(row)
                counts = [str(row[key]) for key in ("listeners", "trials", "preferred")]
                sides = [str(row[key]) for key in ("method", "against")][: len(names)]
                lines.append([*sides, *counts, share])
            parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    parts.append(
        "Share of the trials with a method (of two, heard blind) in which it was preferred; Wilson "
        "interval, as if all trials were independent."
    )
    return "\n\n".join(parts) + "\n"
