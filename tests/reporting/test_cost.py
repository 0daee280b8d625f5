import pytest
import torch
from small_trainings import configuration

from dap.errors import DapError
from dap.reporting.cost import costs, made_by, seconds_per_iteration
from dap.reporting.tables import cost_table
from dap.reporting.typeset import cost_markdown
from dap.store import write_rows
from dap.training.model import content

FIT = {"clip": "a", "seed": 0, "iterations": 10, "seconds": 5.0, "device": "cpu", "threads": 2}
FIT |= {"restarts": 0, "failed_iterations": 0, "loss_terms": "", "warnings": ""}


def write(folder, corpus, method, chunk, rows):
    path = folder / "fits" / "denoise" / corpus / method / chunk / "manifest.csv"
    write_rows(path, rows)
    return path


def test_median_over_fits_by_corpus_and_method(tmp_path):
    manifests = [
        # two files of one fit count once
        write(tmp_path, "speech", "conv", "000", [FIT, FIT, FIT | {"clip": "b", "seconds": 7.0}]),
        write(tmp_path, "speech", "conv", "001", [FIT | {"clip": "c", "seconds": 90.0}]),
        # 12 iterations of initialisations that failed took their time, too
        write(tmp_path, "piano", "conv", "000", [FIT | {"iterations": 8, "failed_iterations": 12}]),
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


def test_kinds_of_cpu_are_named_where_there_are_several(tmp_path):
    one = write(tmp_path, "a", "conv", "000", [FIT | {"cpu": "x"}])
    other = write(tmp_path, "a", "conv", "001", [FIT | {"cpu": "y", "seconds": 10.0}])
    assert seconds_per_iteration([one, other]) == ({("a", "conv"): 0.75}, "cpu, 2 threads (x, y)")
    assert seconds_per_iteration([one])[1] == "cpu, 2 threads"


MADE = {"commit": "c1", "versions": '{"torch": "2"}', "cpu": "x", "engine": "", "precision": ""}
COST = {"parameters": 7, "gflop": 1.5}


def test_costs_are_those_of_fits_alone(tmp_path):
    fitted = FIT | MADE | COST | {"engine": "compiled", "precision": "float32"}
    none = FIT | MADE | COST | {"iterations": 0, "parameters": 0}
    manifests = [
        write(tmp_path, "speech", "conv", "000", [fitted, fitted, fitted | {"clip": "b"}]),
        write(tmp_path, "speech", "observed", "000", [none]),
    ]
    frame = costs(manifests)
    assert frame[["experiment", "corpus", "method", "clip"]].to_numpy().tolist() == [
        ["denoise", "speech", "conv", "a"],
        ["denoise", "speech", "conv", "b"],
    ]
    assert frame[["parameters", "gflop", "seconds"]].iloc[0].to_list() == [7, 1.5, 5.0]
    assert len(costs(manifests[1:])) == 0


def test_what_made_the_fits(tmp_path):
    baseline = FIT | MADE | {"iterations": 0, "seconds": 0.04}
    fitted = FIT | MADE | {"engine": "compiled", "precision": "bfloat16"}
    manifests = [
        write(tmp_path, "speech", "observed", "000", [baseline]),
        write(tmp_path, "speech", "conv", "000", [fitted, fitted, fitted | {"seed": 1}]),
        write(tmp_path, "speech", "conv", "001", [fitted | {"commit": "c0", "threads": 10}]),
    ]
    assert made_by(manifests) == {
        "commit": ["c0", "c1"],
        "versions": [{"torch": "2"}],
        "cpu": ["x"],
        "device": ["cpu"],
        "engine": ["compiled"],  # a baseline has none
        "precision": ["bfloat16"],
        "threads": [2, 10],
        "seconds": 15.0,
    }


def model(folder, **different):
    made = MADE | {"experiment": "unheard", "pair": "violin+congas", "initialisation": 0}
    made |= {"parameters": 9, "seconds": 60.0, "device": "cpu", "threads": 1}
    made |= {"engine": "compiled", "precision": "float32", "options": {"steps": 30}} | different
    path = folder / f"{made['initialisation']}.safetensors"
    path.write_bytes(content(configuration(), {"w": torch.zeros(1)}, made))
    return path


def test_trainings_cost_their_steps(tmp_path):
    fit = write(tmp_path, "speech", "conv", "000", [FIT | MADE | COST | {"device": "cpu"}])
    models = [model(tmp_path), model(tmp_path, initialisation=1, seconds=90.0)]
    table = cost_table(costs([fit], models))
    trained = table[table["experiment"] == "unheard"].to_dict("records")
    assert [(row["method"], row["corpora"], row["fits"]) for row in trained] == [
        (configuration().method, "violin+congas", 2)
    ]
    assert trained[0]["seconds_per_iteration"] == 2.5  # 60 and 90 s for 30 steps
    assert trained[0]["iterations"] == 30
    text = cost_markdown(table)
    assert "| violin+congas | 9 |  | 2.5 | 30 | 2 | cpu | x | 1 | float32 | compiled |" in text
    made = made_by([fit], models)
    assert (made["seconds"], made["threads"]) == (155.0, [1, 2])


def test_a_torn_model_is_refused(tmp_path):
    path = model(tmp_path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DapError, match="is no model"):
        costs([], [path])
