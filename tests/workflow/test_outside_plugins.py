"""The study of docs/extending.md, which brings a prior, metric, baseline, corruption and corpus."""

import csv

import pytest
from pages import blocks, write_files

pytestmark = pytest.mark.slow

PAGE = "docs/extending.md"
CELL = "hum/synthetic-chirps"
FITS = {f"fit/{CELL}/{method}/000" for method in ("observed", "my-prior", "moving-average")}
SCORES = {name.replace("fit/", "score/") for name in FITS}
# two processes score, and know the plugins, too
ARGUMENTS = ("--config", "threads=2")


@pytest.fixture(scope="module")
def study(sources, tmp_path_factory):
    """The study, run from end to end; what a test changes it puts back."""
    checkout = sources.copy(tmp_path_factory.mktemp("study"))
    write_files(PAGE, checkout.folder)
    (checkout.folder / "study.yaml").write_text(dict(blocks(PAGE))["yaml"])
    assert {*FITS, *SCORES} < checkout.run(*ARGUMENTS)
    return checkout


@pytest.fixture
def edit(study):
    """Replaces a text in a plugin; at the end it is as it was."""
    before = {path: path.read_text() for path in (study.folder / "my_plugins").glob("*.py")}

    def replace(name, old, new):
        path = study.folder / "my_plugins" / f"{name}.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    yield replace
    for path, text in before.items():
        path.write_text(text)


def table(study):
    with (study.folder / "results/my-study/tables/table1.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def log(study, name):
    return (study.folder / f"results/my-study/logs/{name}.log").read_text()


def test_one_of_each_is_in_the_table(study):
    rows = table(study)
    assert {row["corpus"] for row in rows} == {"synthetic-chirps"}
    assert {row["method"] for row in rows} == {"observed", "my-prior", "moving-average"}
    assert {row["metric"] for row in rows} == {"snr", "peak_error"}
    (observed,) = [
        row for row in rows if (row["method"], row["metric"]) == ("observed", "peak_error")
    ]
    assert float(observed["mean"]) == pytest.approx(0.2, abs=1e-3)  # the hum's level
    text = (study.folder / "results/my-study/tables/table1.md").read_text()
    assert "Condition: hum, level 0.2, mains 50; clips of 0.128 s" in text
    assert "synthetic chirps" in text
    assert "Peak error" in text


def test_a_plugin_that_is_changed_makes_its_own_products_again(study, edit, count_jobs):
    def todo(name, old, new):
        edit(name, old, new)
        jobs = count_jobs(study.snakemake("-n", *ARGUMENTS).stdout)
        edit(name, new, old)
        return {rule: jobs[rule] for rule in ("clips", "observations", "fit", "score")}

    assert sum(count_jobs(study.snakemake("-n", *ARGUMENTS).stdout).values()) == 0
    once = {"clips": 0, "observations": 0, "fit": 1, "score": 1}
    assert todo("my_prior", "nn.ReLU()", "nn.Tanh()") == once
    assert todo("my_filter", "np.full(5, 0.2)", "np.full(4, 0.25)") == once
    assert todo("my_metric", "error.max()", "error.mean()") == {**once, "fit": 0, "score": 3}
    assert todo("my_hum", "np.sin(", "np.cos(") == dict.fromkeys(once, 3) | {
        "clips": 0,
        "observations": 1,
    }
    assert todo("my_chirps", "0.5 *", "0.4 *")["clips"] == 1


def test_a_plugin_that_fails_is_named_with_its_file_and_the_clip(study, edit):
    edit("my_filter", "(5, 0.2)", "(5, 1 / 0)")
    edit("my_metric", "error.max()", "error.most()")
    fit, score = (f"{stage}/{CELL}/moving-average/000" for stage in ("fit", "score"))
    # a fit that failed is reported as missing, a score that failed ends its job
    assert fit in study.run(f"results/my-study/fits/{CELL}/moving-average/000/manifest.csv")
    for name in ("chirps-00000", "chirps-00001"):
        reason = "moving-average (my_plugins/my_filter.py): ZeroDivisionError: division by zero"
        assert f"clip {name}, moving-average: {reason}" in log(study, fit)
    assert 'np.convolve(observation.signal, np.full(5, 1 / 0), "same")' in log(study, fit)
    score = f"score/{CELL}/observed/000"
    failed = study.snakemake(f"results/my-study/scores/{CELL}/observed/000.csv", *ARGUMENTS)
    assert failed.returncode != 0
    assert (
        "error: clip chirps-00000, initialisation 0: last (iteration 0): peak_error "
        "(my_plugins/my_metric.py): AttributeError: 'numpy.ndarray' object has no attribute 'most'"
    ) in log(study, score)
    assert "return float(error.most()) if error.size" in log(study, score)


def test_a_study_whose_plugins_are_not_there(study):
    failed = study.snakemake("-n", "--config", "plugins=[gone]")
    assert failed.returncode != 0
    assert "plugins: gone does not exist (from the working directory" in failed.stdout
