"""A trained method in a workflow: its weights are a rule's product, downloaded once."""

import json
from hashlib import sha256

import pytest
from misbehaving import serving

pytestmark = pytest.mark.slow

CONTENT = b"\x00\x00\x00\x3f"  # 0.5, little-endian
PLUGIN = """\
import numpy as np

from dap.data.weights import folder

BASELINES = {{
    "trained-gain": {{
        "title": "a gain that was trained",
        "tasks": ["denoise"],
        "speech": True,
        "weights": {{
            "by": "somebody",
            "on": "speech",
            "licence": "MIT",
            "citation": "Somebody 2020",
            "files": [
                {{
                    "file": "gain.bin",
                    "url": "{url}",
                    "bytes": 4,
                    "sha256": "{sha256}",
                }}
            ],
        }},
    }}
}}


def restore(observation, outputs):
    gain = np.fromfile(folder("trained-gain") / "gain.bin", "<f4")[0]
    return np.repeat(gain * observation.signal[np.newaxis], len(outputs), axis=0)
"""
EXPERIMENT = {
    "corruption": {"kind": "gaussian", "std": 0.2},
    "corpora": ["synthetic-speech", "synthetic-piano"],
    "methods": ["observed", "trained-gain"],
    "metrics": ["snr"],
    "selections": ["last"],
}


def test_weights_are_downloaded_and_a_change_of_them_makes_the_estimates_again(fresh):
    speech = {"title": "speech", "synthetic": "speech", "samples": 2048, "speech": True}
    piano = {"title": "piano", "synthetic": "piano", "samples": 2048}
    fresh.change(
        plugins=["trained.py"],
        corpora={"synthetic-speech": speech, "synthetic-piano": piano},
        experiments={"denoise": EXPERIMENT},
        tables={"table1": {"experiment": "denoise", "metrics": ["snr"], "baseline": "observed"}},
        figures={"example": {"kind": "example", "experiment": "denoise"}},
    )
    plugin = fresh.folder / "trained.py"
    with serving(CONTENT) as server:
        url = server.url("gain.bin")
        plugin.write_text(PLUGIN.format(url=url, sha256=sha256(CONTENT).hexdigest()))
        ran = fresh.run()
        # of what is no speech there is nothing to make
        assert {job for job in ran if "trained-gain" in job} == {
            "weights/trained-gain",
            "baseline/denoise/synthetic-speech/trained-gain/000",
            "score/denoise/synthetic-speech/trained-gain/000",
        }
        assert len(server.requests) == 1
        table = (fresh.results / "tables" / "table1.md").read_text()
        assert "trained-gain was trained on speech, by somebody (weights: MIT)" in table
        sections = {part.split(",")[0]: part for part in table.split("\n## ")[1:]}
        assert "| trained-gain |" in sections["speech"]
        assert "| trained-gain |" not in sections["piano"]
        assert not fresh.run()
        receipt = json.loads((fresh.folder / "resources/weights/trained-gain.json").read_text())
        assert [(row["url"], row["checked"]) for row in receipt["files"]] == [
            (url, "sha256, as published")
        ]
        # other weights: the estimates of this method alone are made again
        other = b"\x00\x00\x80\x3e"  # 0.25
        server.content = other
        (fresh.folder / "resources/weights/trained-gain/gain.bin").unlink()
        plugin.write_text(PLUGIN.format(url=url, sha256=sha256(other).hexdigest()))
        again = "results/tiny/scores/denoise/synthetic-speech/trained-gain/000.csv"
        ran = fresh.run(again)
        assert ran
        assert {job for job in ran if "trained-gain" not in job} == set()
        assert len(server.requests) == 2
    # without internet, what is there suffices
    assert not fresh.run(again)
