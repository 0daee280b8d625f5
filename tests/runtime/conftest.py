"""A chunk of four clips, its job, and what stands in the place of its fits."""

import logging

import pytest
from small_chunks import CLIPS, job, observe

from dap.fitting import interleave
from dap.runtime import chunk
from dap.runtime.chunk import fit_chunk


@pytest.fixture
def signals(hiss):
    """Four clips of noise, quick to fit."""
    return {clip: hiss[i * 2048 : (i + 1) * 2048] for i, clip in enumerate(CLIPS)}


@pytest.fixture
def observations(signals, tmp_path):
    return observe(tmp_path / "observations", signals)


@pytest.fixture
def run(tmp_path, observations, caplog):
    """Fit the chunk; what was logged, or the error that it ended in."""
    caplog.set_level(logging.INFO, logger="dap")

    def do(folder="fits", observations=observations, **changes):
        caplog.clear()
        asked = job(tmp_path / folder, observations, **changes)
        fit_chunk(asked, "cpu", logging.getLogger("dap"))
        return "\n".join(record.getMessage() for record in caplog.records)

    return do


@pytest.fixture
def restoring(monkeypatch):
    """Put another generator in the place of a clip's fit: called with the real one's arguments."""
    real = chunk.fitting
    others, begun = {}, []

    def choose(*arguments, report, **options):
        clip = report.name.split(" ")[1].partition(".s")[0]
        begun.append(clip)
        return others.get(clip, real)(*arguments, report=report, **options)

    monkeypatch.setattr(chunk, "fitting", choose)
    choose.others, choose.begun, choose.real = others, begun, real
    return choose


@pytest.fixture
def beside(monkeypatch):
    """As on a GPU: as many fits beside each other as the study says, one started in each round."""
    monkeypatch.setattr(interleave, "SETTLE", 1)
    monkeypatch.setattr(chunk, "at_most", lambda asked, device: asked)
