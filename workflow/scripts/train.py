"""Train a prior to take a target out of mixtures."""

from pathlib import Path

from dap.runtime.joblog import job
from dap.runtime.train import Job, train_model
from dap.study.code_hash import recorded

with job(snakemake.log[0]) as log:
    params, wildcards = snakemake.params, snakemake.wildcards
    asked = Job(
        clips=[Path(path) for path in snakemake.input.clips],
        model=Path(snakemake.output.model),
        learning=Path(snakemake.output.learning),
        experiment=wildcards.experiment,
        corpus=wildcards.corpus,
        method=wildcards.method,
        index=int(wildcards.index),
        setup=params.setup,
        seed=params.seed,
        threads=params.threads,
        sample_rate=params.sample_rate,
        code=recorded(params),
        run=snakemake.config["run"],
    )
    train_model(asked, params.device, log)
