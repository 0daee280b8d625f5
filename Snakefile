import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")  # whose priorities may be functions

# this file may be a link to that of a checkout
ROOT = Path(workflow.main_snakefile).resolve().parent
RULES = ROOT / "workflow" / "rules"
sys.path.insert(0, str(ROOT))


include: str(RULES / "common.smk")


if not asked.unfinished:  # else what is there is shown, and nothing can be fitted

    include: str(RULES / "data.smk")
    include: str(RULES / "corrupt.smk")
    include: str(RULES / "fit.smk")
    include: str(RULES / "train.smk")
    include: str(RULES / "score.smk")
    include: str(RULES / "parts.smk")


include: str(RULES / "present.smk")


# the corpora are fetched where Snakemake runs: a cluster's nodes may see no internet, and no mirror;
# what is made of the scores takes seconds
localrules:
    all,
    download_all,
    download,
    unpack,
    render,
    weights,
    tables,
    figures,
    table,
    cost,
    curves,
    example,
    steps,
    learning,
    overview,
    provenance,
    report,
    record,
    trial,
    card,


rule all:
    default_target: True
    input:
        wanted,


# the corpora and trained weights that the study uses, and nothing else
rule download_all:
    input:
        [index_file(name) for name in study.known],
        [receipt_of_weights(name) for name in study.trained],


rule tables:
    input:
        presentation.tables.table_files(study),


rule figures:
    input:
        presentation.figures.figure_files(study),


onstart:
    claim_folder()


onsuccess:
    release_folder()


onerror:
    release_folder()
