"""Training on synthetic instruments, end to end, in a tiny study."""

import csv

import numpy as np
import pytest
import soundfile
import yaml

pytestmark = pytest.mark.slow
PAIR = "synthetic-bowed+synthetic-struck"
STUDY = """
study: unheard
seed: 7
clips: 1
clips_per_job: 4
seeds: 2
spectrogram: {n_fft: 126, hop_length: 32, window: rectangular}
corpora:
  synthetic-bowed: &a {title: bowed, synthetic: bowed, samples: 8192, stands_for: violin}
  synthetic-plucked: {<<: *a, title: plucked, synthetic: plucked}
  synthetic-struck: {<<: *a, title: struck, synthetic: struck, stands_for: xylophone}
experiments:
  unheard:
    corruption: {kind: mixture-known}
    corpora: [synthetic-bowed+synthetic-struck]
    methods: [observed, ideal-mask, conv7]
    metrics: [sdr, sir, sar, sdr_v4]
    selections: [last]
    training:
      corpora: [synthetic-bowed, synthetic-plucked, synthetic-struck]
      clips: 3
      samples: 2048
      steps: 3
      batch: 2
      width: 0.1
      validation_mixtures: 2
tables:
  table3:
    experiment: unheard
    metrics: [sdr, sir, sar, sdr_v4]
    published: {paper: iclr2020, table: 3, metrics: {sdr: sdr}}
    baseline: conv7
figures:
  learning: {kind: learning, experiment: unheard}
"""


def test_a_study_that_trains(fresh, count_jobs):
    study = fresh.folder / "unheard.yaml"
    study.write_text(STUDY)
    results = fresh.folder / "results" / "unheard"
    fresh.run(study="unheard.yaml")
    for index in range(2):
        card = (
            results / "models" / "unheard" / PAIR / "conv7" / str(index) / "card.md"
        ).read_text()
        assert card.startswith("# conv7: synthetic-bowed, without synthetic-struck\n")
        assert "| synthetic-plucked | 2 | 1 |" in card
    fits = results / "fits" / "unheard" / PAIR / "conv7" / "000"
    with (fits / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["output"]) for row in rows] == [
        (str(index), output) for index in range(2) for output in ("source1", "source2")
    ]
    mixture = next((results / "observations" / "unheard" / PAIR / "000").glob("*.wav"))
    total = sum(soundfile.read(fits / row["file"])[0] for row in rows[:2])
    assert np.abs(total - soundfile.read(mixture)[0]).max() < 1e-5
    with (results / "tables" / "table3.csv").open() as file:
        table = [row for row in csv.DictReader(file) if row["metric"] == "sdr"]
    target = {row["method"]: row for row in table if row["source"] == "synthetic-bowed"}
    assert float(target["conv7"]["published_mean"]) == 7.8
    assert float(target["ideal-mask"]["mean"]) > float(target["observed"]["mean"]) + 5
    assert (results / "figures" / "learning.png").is_file()
    assert "unheard" in (results / "report.html").read_text()

    again = fresh.snakemake("-n", study="unheard.yaml")
    assert "Nothing to be done" in again.stdout
    # more clips to test move those that are heard; another title moves nothing
    changed = yaml.safe_load(STUDY)
    changed["corpora"]["synthetic-struck"]["title"] = "bars"
    study.write_text(yaml.safe_dump(changed, sort_keys=False))
    planned = count_jobs(fresh.snakemake("-n", "--quiet", "rules", study="unheard.yaml").stdout)
    assert not {"train", "separate", "score"} & set(planned)
    changed["experiments"]["unheard"]["training"]["steps"] = 4
    study.write_text(yaml.safe_dump(changed, sort_keys=False))
    planned = count_jobs(fresh.snakemake("-n", "--quiet", "rules", study="unheard.yaml").stdout)
    assert (planned["train"], planned["separate"], planned["clips"]) == (2, 1, 0)
