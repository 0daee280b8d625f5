"""What there is to listen to, and its bounds."""

import base64
import io
from contextlib import chdir

import numpy as np
import pytest
import soundfile
from once import once
from small_report import RATE, SAMPLES, make, settings

from dap.reporting.panels import MOST_BYTES, panels
from dap.reporting.sounds import loudness_of
from dap.study.presentation.report import report_setup
from dap.study.study import Study


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A function that gives panels of the small study, of so many bytes at most."""
    folder = once(tmp_path_factory, "report", make)

    def of(most_bytes):
        with chdir(folder):
            setup = report_setup(Study(settings()))
            return panels(setup["experiments"], setup["config"], most_bytes)

    return of


def decoded(version):
    content = base64.b64decode(version["audio"].partition(",")[2])
    return soundfile.read(io.BytesIO(content))


def test_all_versions_of_a_clip_are_equally_loud_and_as_long(made):
    (denoise, separate), _ = made(MOST_BYTES)
    assert [len(panel["clips"]) for panel in (denoise, separate)] == [4, 4]
    assert denoise["left_out"] == separate["left_out"] == 0
    for clip in (denoise["clips"][0], separate["clips"][1]):
        levels = []
        for version in clip["versions"]:
            signal, rate = decoded(version)
            assert (len(signal), rate) == (SAMPLES, RATE)
            levels.append(loudness_of(signal, rate))
        assert levels == pytest.approx(levels[:1] * len(levels), abs=0.1)
    kinds = [version["kind"] for version in denoise["clips"][0]["versions"]]
    assert kinds == ["clean", "observed", "method", "method", "method"]


def test_a_mixture_stands_for_each_of_its_sources(made):
    (_, separate), _ = made(MOST_BYTES)
    piano, drums = separate["clips"][:2]
    assert (piano["source"], drums["source"]) == ("synthetic-piano", "synthetic-drums")
    mixtures = [decoded(clip["versions"][1])[0] for clip in (piano, drums)]
    mixtures = [mixture / np.abs(mixture).max() for mixture in mixtures]
    np.testing.assert_allclose(mixtures[0], mixtures[1], atol=1e-3)
    cleans = [clip["versions"][0]["audio"] for clip in (piano, drums)]
    assert cleans[0] != cleans[1]


def test_the_first_clips_of_all_corpora_come_first_until_there_is_no_room(made):
    whole, digest = made(MOST_BYTES)
    assert made(MOST_BYTES) == (whole, digest)
    sizes = {
        panel["name"]: [
            sum(len(base64.b64decode(v["audio"].partition(",")[2])) for v in clip["versions"])
            for clip in panel["clips"]
        ]
        for panel in whole
    }
    # of a mixture, both sources or none
    first = sizes["denoise"][0] + sum(sizes["separate"][:2])
    (denoise, separate), other = made(first + sizes["denoise"][1])
    assert [clip["clip"] for clip in denoise["clips"]] == ["speech-0", "speech-1"]
    assert [clip["clip"] for clip in separate["clips"]] == ["piano-0+drums-0"] * 2
    assert (denoise["left_out"], separate["left_out"]) == (2, 1)
    assert other != digest
    assert made(first - 1)[0][0]["left_out"] == 3
    assert made(0)[0] == []
