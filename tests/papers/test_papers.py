from pathlib import Path

import pandas as pd
import pytest

from dap.plugins import plugins
from dap.tasks import SELECTIONS

PUBLISHED = Path(__file__).resolve().parents[2] / "dap" / "papers"


@pytest.mark.parametrize(
    ("paper", "rows"),
    [("interspeech2021", {1: 20, 2: 15, 3: 16, 4: 32}), ("iclr2020", {1: 53, 2: 18, 3: 27})],
)
def test_tables_are_complete(paper, rows):
    table = pd.read_csv(PUBLISHED / f"{paper}.csv")
    assert set(table["paper"]) == {paper}
    assert table.groupby("table").size().to_dict() == rows
    key = ["table", "condition", "dataset", "source", "method", "metric"]
    assert not table.duplicated(key).any()
    assert table["mean"].notna().all()
    assert (table["std"].dropna() >= 0).all()


def test_what_a_number_stands_beside():
    """fidelity: published-beside"""
    of_a, of_b = (
        pd.read_csv(PUBLISHED / f"{name}.csv") for name in ("interspeech2021", "iclr2020")
    )
    assert set(of_a["selections"]) == {"last oracle"}
    assert set(of_b["selections"]) == {"last"}
    assert {"last", "oracle"} <= set(SELECTIONS)


def test_all_designs_of_paper_a_are_published():
    table = pd.read_csv(PUBLISHED / "interspeech2021.csv")
    assert set(table["method"]) <= set(plugins("priors"))
    # fidelity: table-2-of-a (it has no constant dilation)
    assert "dilated" not in set(table.loc[table["table"] == 2, "method"])


def test_claims():
    claims = pd.read_csv(PUBLISHED / "claims.csv", dtype=str, keep_default_na=False)
    assert claims["paper"].value_counts().to_dict() == {"interspeech2021": 5, "iclr2020": 4}
    assert not claims.duplicated(["paper", "claim"]).any()
    needed = claims[["claim", "where", "what a study should report"]]
    assert (needed != "").all(axis=None)
