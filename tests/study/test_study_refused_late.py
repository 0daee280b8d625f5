"""What a study may not say where keys depend on each other: a job would find it too late."""

import pytest
from small_studies import changed, config

from dap.errors import DapError
from dap.study.study import Study


def with_table(**entry):
    base = config()
    base["tables"] = {"table1": {"experiment": "denoise", "metrics": ["snr"], **entry}}
    return base


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (config(spectrogram={"n_fft": 512, "hop_length": 600}), ["hop_length is 600", "256"]),
        (
            changed("experiments.separate.corpora", ["synthetic-piano+synthetic-piano"]),
            ["'synthetic-piano+synthetic-piano' is not a pair of corpora"],
        ),
        (
            config(sample_rate=22050)
            | changed("experiments.denoise.metrics", ["pesq_wb"])
            | {"sample_rate": 22050},
            ["pesq_wb needs a sample_rate of 16000, not 22050"],
        ),
        (
            with_table(published={"paper": "interspeech2021", "table": 9, "metrics": {}}),
            ["published.table: unknown name '9'", "allowed: 1, 2, 3, 4"],
        ),
        (
            with_table(
                published={"paper": "interspeech2021", "table": 1, "metrics": {"snr": "snr"}}
            ),
            ["published.metrics.snr: unknown name 'snr'; allowed: pesq, psnr"],
        ),
        (
            config(claims=[{"paper": "iclr2020", "claim": "it is good"}]),
            ["claims[0].claim: unknown name 'it is good'"],
        ),
        (
            config(tables={"cost": {"experiment": "denoise", "metrics": ["snr"]}}),
            ["tables.cost: cost, study, provenance are the run's own files"],
        ),
        (
            changed("experiments.denoise.methods", ["observed", "dnp-lsa"])
            | {"fit": {"iterations": 48}},
            ["experiments.denoise.fits.dnp-lsa.iterations is 48: dnp-lsa needs at least 49"],
        ),
        (
            with_table()
            | {"experiments": changed("experiments.denoise.methods", ["conv"])["experiments"]},
            ["improvements are over observed"],
        ),
    ],
)
def test_what_a_job_would_find_too_late_is_refused_at_once(settings, words):
    with pytest.raises(DapError) as refused:
        Study(settings)
    assert all(word in str(refused.value) for word in words), refused.value


def test_the_least_iterations_are_those_of_the_method_itself():
    base = changed("experiments.denoise.methods", ["observed", "conv", "dnp-lsa"])
    base["fit"] = {"iterations": 20}
    base["experiments"]["denoise"]["fits"] = {"dnp-lsa": {"iterations": 49}}
    assert Study(base).experiments["denoise"].fit_of("dnp-lsa")["iterations"] == 49
