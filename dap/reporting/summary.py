"""What was found, as Markdown: what the report opens with, which iterate, and the claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from dap.errors import extra
from dap.reporting.typeset import pipes
from dap.reporting.verdicts import NOT_EXAMINED

with extra("report"):
    import pandas as pd

MARKS = {"better": "▲", "worse": "▼"}
ITERATES = (
    "Oracle: the mean of the iterates of the best SNR (in separation, SDR of BSS Eval v4) against "
    "the clean clip; last and stop: the mean paired difference to it, with its 95 % interval from "
    "5 clips on."
)


def summary(
    *,
    title: str,
    opening: Mapping[str, Any],
    iterates: Sequence[Mapping[str, Any]],
    claims: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> str:
    """The summary of a study, to be read without a browser.

    Args:
        title: of the study.
        opening: as for `dap.reporting.report.render`.
        iterates: from `dap.reporting.iterates.distances`.
        claims: from `dap.reporting.claims.examine`.
        notes: caveats.
    """
    sentences = [*opening["gains"], *opening["rankings"]]
    parts = [f"# {title}", *_listed(sentences)]
    for grid in opening["tables"]:
        parts += [f"## {grid['caption']}", _methods(grid), grid["legend"]]
    if iterates:
        parts += ["## Which iterate", pipes(pd.DataFrame(iterates), 5), ITERATES]
    if claims:
        found = [paper["sentence"] for paper in opening["papers"]]
        parts += ["## The papers' claims", *found, _claims(claims)]
    if notes:
        parts += ["## Caveats", *_listed(notes)]
    return "\n\n".join(parts) + "\n"


def _listed(sentences: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {sentence}" for sentence in sentences)] if sentences else []


def _methods(grid: Mapping[str, Any]) -> str:
    """One of `dap.reporting.compact.papers`: a line for each method."""
    groups = [group["title"] for group in grid["groups"] for _ in range(group["span"])]
    headings = [
        f"{group}; {column['above']}: {column['title']} {column['arrow']}"
        for group, column in zip(groups, grid["columns"], strict=True)
    ]
    rows = [[row["method"], *map(_cell, row["cells"])] for row in grid["rows"]]
    return pipes(pd.DataFrame(rows, columns=["method", *headings]), 1)


def _cell(cell: Mapping[str, Any] | None) -> str:
    if not cell:
        return ""
    ours = f"{cell['text']} {MARKS.get(cell['mark'], '')}".strip()
    published = f"published {cell['published']}" if cell["published"] else ""
    return ", ".join(filter(None, [ours, published]))


def _claims(claims: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        {
            "claim": claim["claim"],
            "published": claim["published"] or "",
            "outcome": claim["outcome"],
            "here": "" if claim["outcome"] == NOT_EXAMINED else claim["verdict"],
        }
        for claim in claims
    ]
    return pipes(pd.DataFrame(rows), 4)
