import pytest

from dap.reporting.cost import seconds_per_iteration
from dap.store import write_rows

FIT = {"clip": "a", "seed": 0, "iterations": 10, "seconds": 5.0, "device": "cpu", "threads": 2}


def write(folder, corpus, method, chunk, rows):
    path = folder / "fits" / "denoise" / corpus / method / chunk / "manifest.csv"
    write_rows(path, rows)
    return path


def test_median_over_fits_by_corpus_and_method(tmp_path):
    manifests = [
        # two files of one fit count once
        write(tmp_path, "speech", "conv", "000", [FIT, FIT, FIT | {"clip": "b", "seconds": 7.0}]),
        write(tmp_path, "speech", "conv", "001", [FIT | {"clip": "c", "seconds": 90.0}]),
        write(tmp_path, "piano", "conv", "000", [FIT | {"iterations": 20}]),
        write(tmp_path, "speech", "observed", "000", [FIT | {"iterations": 0, "seconds": 0.0}]),
    ]
    seconds, device = seconds_per_iteration(manifests)
    assert seconds == {("speech", "conv"): pytest.approx(0.7), ("piano", "conv"): 0.25}
    assert device == "cpu, 2 threads"


def test_devices_are_all_named(tmp_path):
    one = write(tmp_path, "a", "conv", "000", [FIT | {"threads": 1}])
    other = write(tmp_path, "a", "conv", "001", [FIT | {"device": "cuda"}])
    assert seconds_per_iteration([one, other])[1] == "cpu, 1 thread and cuda"
    assert seconds_per_iteration([]) == ({}, "")
