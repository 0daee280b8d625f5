"""The study of docs/extending.md, which brings a prior, metric, baseline, corruption and corpus."""

import csv

import pytest
from pages import write_examples

pytestmark = pytest.mark.slow

CHIRPS = "hum/synthetic-chirps"
JOBS = {f"fit/{CHIRPS}/my-prior/000"}
JOBS |= {f"baseline/{CHIRPS}/{method}/000" for method in ("observed", "moving-average")}
JOBS |= {f"score/{job.partition('/')[2]}" for job in JOBS}
# two processes score, and know the plugins, too
ARGUMENTS = ("--config", "threads=2")


@pytest.fixture(scope="module")
def study(sources, tmp_path_factory):
    """The study, run from end to end; what a test changes it puts back."""
    checkout = sources.copy(tmp_path_factory.mktemp("study"))
    write_examples(checkout.folder)
    assert checkout.run(*ARGUMENTS) > JOBS
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
        rules = ("clips", "observations", "fit", "baseline", "score")
        return [jobs[rule] for rule in rules]

    assert sum(count_jobs(study.snakemake("-n", *ARGUMENTS).stdout).values()) == 0
    assert todo("my_prior", "nn.ReLU()", "nn.Tanh()") == [0, 0, 1, 0, 1]
    assert todo("my_filter", "np.full(5, 0.2)", "np.full(4, 0.25)") == [0, 0, 0, 1, 1]
    assert todo("my_metric", "error.max()", "error.mean()") == [0, 0, 0, 0, 3]
    assert todo("my_hum", "np.sin(", "np.cos(") == [0, 1, 1, 2, 3]
    assert todo("my_chirps", "0.5 *", "0.4 *") == [1, 1, 1, 2, 3]
    assert todo("my_hum", "a random phase", "any phase") == [0, 0, 0, 0, 0]


def test_a_plugin_that_fails_is_named_with_its_file_and_the_clip(study, edit):
    edit("my_filter", "(5, 0.2)", "(5, 1 / 0)")
    edit("my_metric", "error.max()", "error.most()")
    baseline = f"baseline/{CHIRPS}/moving-average/000"
    # a clip that failed is reported as missing, a score that failed ends its job
    assert baseline in study.run(f"results/my-study/fits/{CHIRPS}/moving-average/000/manifest.csv")
    for name in ("chirps-00000", "chirps-00001"):
        reason = "moving-average (my_plugins/my_filter.py): ZeroDivisionError: division by zero"
        assert f"clip {name}, moving-average: {reason}" in log(study, baseline)
    assert 'np.convolve(observation.signal, np.full(5, 1 / 0), "same")' in log(study, baseline)
    score = f"score/{CHIRPS}/observed/000"
    failed = study.snakemake(f"results/my-study/scores/{CHIRPS}/observed/000.csv", *ARGUMENTS)
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
