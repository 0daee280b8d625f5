"""Where products are found: made here, or collected."""

from pathlib import Path

import pytest
from small_parts import Digests, Results
from small_studies import config

from dap.runtime.collect import collect
from dap.study import presentation
from dap.study.params import all_fits, score_files
from dap.study.paths import Names
from dap.study.places import Places, recorded_chunks
from dap.study.study import Study

CONV = Names("denoise", "synthetic-speech", "conv", "000")
SMALL = {"clips": 2, "clips_per_job": 1}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of which one chunk was collected."""
    monkeypatch.chdir(tmp_path)
    part = Results("elsewhere", Study(config(**SMALL)), Digests()).make([CONV])
    collect([part.root], Path("results/tiny"))
    return Study(config(**SMALL))


def test_a_chunk_that_was_collected_is_taken_from_there(study):
    own, elsewhere = study.paths, study.paths.collected
    assert elsewhere.root == "results/tiny/collected"
    assert list(recorded_chunks(elsewhere)) == list(study.places.collected) == [CONV]
    assert elsewhere.fits(*CONV) in all_fits(study)
    assert own.fits(*CONV) not in all_fits(study)
    files = score_files(study, "denoise", ["conv"])
    assert files == [
        elsewhere.scores(*CONV),
        own.scores(*CONV._replace(chunk="001")),
        *(
            own.scores(*CONV._replace(corpus="synthetic-piano", chunk=each))
            for each in ("000", "001")
        ),
    ]
    experiment = study.experiments["denoise"]
    example = presentation.figures.example_files(study, experiment, "synthetic-speech")
    assert example == {
        "clips": [elsewhere.clips("synthetic-speech", "000")],
        "observations": [elsewhere.observations(*CONV[:2], "000")],
        "fits": [elsewhere.fits(*CONV)],
    }
    # of what was collected, the first clip alone has sounds
    heard = presentation.report.examples_shown(study, experiment)["synthetic-speech"]
    assert [files["most"] for files in heard] == [1, presentation.report.MOST_EXAMPLES]
    assert heard[0] == example | {"most": 1}


def test_what_is_made_here_has_all_sounds_and_comes_first(study):
    other = CONV._replace(method="observed")
    Results(".", study, Digests()).make([other])
    assert study.places.clips("synthetic-speech", "000") == study.paths.clips(
        "synthetic-speech", "000"
    )
    assert study.places.of(other) is study.paths
    assert study.places.is_there(other)
    assert study.places.is_there(CONV)
    assert not study.places.is_there(CONV._replace(chunk="001"))


def test_only_an_unfinished_study_hides_what_is_not_there(study):
    chunks = [CONV, CONV._replace(chunk="001")]
    assert study.places.shown(chunks) == chunks
    assert Places(study.paths, unfinished=True).shown(chunks) == [CONV]
