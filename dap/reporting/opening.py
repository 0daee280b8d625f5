"""What a report opens with: in sentences, what of a paper was reproduced, and what was not."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from dap.reporting.verdicts import NOT_EXAMINED, OUTCOMES

PAPERS = {
    "interspeech2021": "paper A (Interspeech 2021)",
    "iclr2020": "paper B (ICLR 2020)",
    "": "this study",
}


def paper_name(paper: str) -> str:
    """What a paper is called; one that has no other name, as in `dap/papers`."""
    return PAPERS.get(paper, paper)


def outcomes(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was found of each paper's claims.

    Args:
        findings: from `dap.reporting.claims.examine`.

    Returns:
        for each paper with a claim that the study names: paper; sentence, how many claims have
        which outcome; and claims (outcome, claim, verdict), best outcome first, without those that
        were not examined.
    """
    result = []
    by_paper = sorted(findings, key=lambda finding: finding["paper"])
    for paper, group in groupby(by_paper, key=lambda finding: finding["paper"]):
        claims = sorted(group, key=lambda finding: OUTCOMES.index(finding["outcome"]))
        examined = [claim for claim in claims if claim["outcome"] != NOT_EXAMINED]
        if examined:
            result.append(
                {
                    "paper": paper_name(paper),
                    "sentence": _sentence(paper_name(paper), examined, len(claims)),
                    "claims": [
                        {key: claim[key] for key in ("outcome", "claim", "verdict")}
                        for claim in examined
                    ],
                }
            )
    return result


def _sentence(paper: str, examined: list[Mapping[str, Any]], claims: int) -> str:
    words = [claim["outcome"] for claim in examined]
    counts = [f"{words.count(each)} {each}" for each in OUTCOMES if each in words]
    return (
        f"Of the {claims} claims of {paper}, this study examines {len(examined)}: "
        f"{', '.join(counts)}."
    )
