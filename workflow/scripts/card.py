"""Say what a model was made of, and how well it does."""

from pathlib import Path

from dap.runtime.card import card
from dap.runtime.joblog import job
from dap.store import write_text

with job(snakemake.log[0]) as log:
    inputs = snakemake.input
    text = card(Path(inputs.model), Path(inputs.learning), [Path(path) for path in inputs.scores])
    write_text(Path(snakemake.output[0]), text)
