"""What each method takes on this machine, by short fits."""

from pathlib import Path

from dap.runtime.joblog import job
from dap.runtime.trial import Trial, time_all

with job(snakemake.log[0]):
    params = snakemake.params
    trials = [Trial(**trial) for trial in params.trials]
    time_all(trials, Path(snakemake.output[0]), at_once=params.at_once)
