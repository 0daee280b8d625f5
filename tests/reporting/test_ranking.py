"""Whether methods come in the order of a paper's table."""

import numpy as np
import pandas as pd
from small_tables import BETTER, CORPORA, ladder

from dap.reporting.ranking import rankings
from dap.reporting.tables import summarise

METHODS = ["conv", "dilated", "dense"]
VALUES = {
    "observed": [0.0, 0, 0],
    "conv": [1.0, 2, 3],
    "dilated": [2.0, 3, 2],
    "dense": [3.0, 4, 5],
    "wiener": [9.0, 9, 9],
}


def published(means, metric="snr"):
    rows = [
        ("ljspeech", "", method, metric, "full", mean, 1.0, ["last"])
        for method, mean in means.items()
    ]
    columns = ["dataset", "source", "method", "metric", "scope", "mean", "std", "selections"]
    return pd.DataFrame(rows, columns=columns)


def table(frame, means, metric="snr", methods=("conv", "dilated", "dense", "wiener")):
    options = {"methods": methods, "metrics": [metric], "selections": ["last"]}
    return {
        "title": "Table 1",
        "experiment": "e",
        "paper": "interspeech2021",
        "published": [metric],
        "quality": metric,
        "headline": "full",
        "better": BETTER,
        "labels": {"snr": "SNR", "envelope_distance": "envelope distance"},
        "summary": summarise(
            frame, **options, better=BETTER, corpora=CORPORA, published=published(means, metric)
        ),
    }


def test_the_order_of_means_and_of_each_clip_is_told():
    frame = ladder(VALUES)
    (sentence,) = rankings([table(frame, dict(zip(METHODS, (5, 6, 7), strict=True)))], frame)
    # the third clip has conv above dilated
    assert sentence == (
        "Table 1, Synthetic speech: mean SNR conv < dilated < dense, as in paper A (Interspeech "
        "2021); 2 of 3 clips have that order."
    )


def test_means_are_over_the_clips_that_all_have():
    # by all of its clips conv is last, by those of all three dilated is first
    values = {
        "observed": [0.0] * 6,
        "conv": [5.0, 5, 5, 5, 0, 0],
        "dilated": [6.0, 6, 6, 6, 1, 1],
        "dense": [5.5, 5.5, 5.5, 5.5, np.nan, np.nan],
        "wiener": [9.0] * 6,
    }
    frame = ladder(values)
    (sentence,) = rankings([table(frame, dict(zip(METHODS, (5, 6, 7), strict=True)))], frame)
    assert sentence == (
        "Table 1, Synthetic speech: mean SNR conv < dense < dilated; in paper A (Interspeech 2021) "
        "conv < dilated < dense; 0 of 4 clips have that order."
    )


def test_another_order_than_the_papers_is_told_with_both():
    frame = ladder(VALUES)
    (sentence,) = rankings([table(frame, dict(zip(METHODS, (5, 8, 7), strict=True)))], frame)
    assert sentence == (
        "Table 1, Synthetic speech: mean SNR conv < dilated < dense; in paper A (Interspeech 2021) "
        "conv < dense < dilated; 0 of 3 clips have that order."
    )


def test_what_is_better_when_lower_is_ordered_from_the_highest():
    frame = ladder(VALUES, "envelope_distance")
    means = dict(zip(METHODS, (0.1, 0.2, 0.3), strict=True))
    (sentence,) = rankings([table(frame, means, "envelope_distance")], frame)
    assert "mean envelope distance dense > dilated > conv, as in paper A" in sentence
    assert sentence.endswith("2 of 3 clips have that order.")


def test_clips_that_a_method_lacks_do_not_count():
    values = {method: [*several, several[0]] for method, several in VALUES.items()}
    frame = ladder(values | {"dense": [3.0, np.nan, 5, 3]})
    (sentence,) = rankings([table(frame, dict(zip(METHODS, (5, 6, 7), strict=True)))], frame)
    assert sentence.endswith("2 of 3 clips have that order.")


def test_two_clips_two_published_methods_or_no_paper_are_no_order():
    frame = ladder({method: several[:2] for method, several in VALUES.items()})
    assert rankings([table(frame, dict(zip(METHODS, (5, 6, 7), strict=True)))], frame) == []
    frame = ladder(VALUES)
    two = table(frame, {"conv": 5, "dense": 7})
    own = table(frame, dict(zip(METHODS, (5, 6, 7), strict=True))) | {"paper": ""}
    assert rankings([two, own], frame) == []
