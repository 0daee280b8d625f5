"""Waveform and spectrograms of one restored clip."""

import logging
from collections.abc import Mapping
from pathlib import Path

from dap.reporting.figures.curves import examples, save
from dap.reporting.listening import load
from dap.study.paths import names


def draw(inputs: Mapping[str, list[Path]], setup: dict, stem: Path, log: logging.Logger) -> None:
    """Write an example, `stem`.pdf and `stem`.png.

    Args:
        inputs: `clips`, `observations` and `fits`, the manifests of the first chunk of a corpus.
        setup: task, title and sample_rate.
    """
    example = load(
        inputs["clips"],
        inputs["observations"][0],
        {names("fits", path).method: path for path in inputs["fits"]},
        task=setup["task"],
        sample_rate=setup["sample_rate"],
    )
    figure = examples(
        example.columns,
        setup["sample_rate"],
        title=f"{setup['title']}: {example.clip}" + ", only its gaps filled" * bool(example.gaps),
        gaps=example.gaps,
        sources=example.sources or None,
    )
    save(figure, stem)
