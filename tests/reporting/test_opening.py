"""What a report opens with, in sentences."""

import pytest

from dap.reporting.opening import outcomes, paper_name
from dap.reporting.verdicts import (
    NOT_EXAMINED,
    NOT_STATED,
    OUTCOMES,
    REPRODUCED,
    REVERSED,
    TOO_FEW,
    UNRESOLVED,
    Verdict,
    outcome,
)


def finding(paper, claim, outcome):
    return {"paper": paper, "claim": claim, "outcome": outcome, "verdict": f"of {claim}"}


def test_the_claims_of_each_paper_are_counted_best_first():
    found = outcomes(
        [
            finding("iclr2020", "b1", NOT_EXAMINED),
            finding("interspeech2021", "a1", "not reproduced"),
            finding("interspeech2021", "a2", NOT_EXAMINED),
            finding("interspeech2021", "a3", "reproduced"),
        ]
    )
    (paper,) = found  # of the other no claim is examined
    assert paper["sentence"] == (
        "Of the 3 claims of paper A (Interspeech 2021), this study examines 2: 1 reproduced, "
        "1 not reproduced."
    )
    assert [claim["claim"] for claim in paper["claims"]] == ["a3", "a1"]
    assert outcomes([]) == []
    assert paper_name("another2030") == "another2030"


@pytest.mark.parametrize(
    ("orders", "sizes", "said"),
    [
        ([REPRODUCED] * 2, ["", NOT_STATED], "reproduced"),
        ([REPRODUCED], ["size reproduced (3.5 dB published)"], "reproduced"),
        ([REPRODUCED], ["smaller than the published 3.5 dB"], "order reproduced, size not"),
        ([REPRODUCED, UNRESOLVED], ["", ""], "reproduced in part"),
        ([REPRODUCED, REVERSED], ["", ""], "reproduced in part"),
        ([REVERSED, TOO_FEW], ["", ""], "not reproduced"),
        ([UNRESOLVED, TOO_FEW], ["", ""], UNRESOLVED),
        ([TOO_FEW], [""], TOO_FEW),
        ([""], [""], NOT_EXAMINED),  # what is not counted
        ([], [], NOT_EXAMINED),
    ],
)
def test_the_outcome_of_a_claim(orders, sizes, said):
    verdicts = [Verdict(*each, "") for each in zip(orders, sizes, strict=True)]
    assert outcome(verdicts) == said
    assert said in OUTCOMES
