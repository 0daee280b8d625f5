import os
import sys
from pathlib import Path

from snakemake.utils import min_version, update_config

min_version("9.8")

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT))


include: "workflow/rules/common.smk"
include: "workflow/rules/common_present.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/corrupt.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/present.smk"


# the corpora are fetched where Snakemake runs: a cluster's nodes may see no internet, and no mirror;
# what is made of the scores takes seconds
localrules:
    all,
    download_all,
    download,
    unpack,
    tables,
    figures,
    table,
    cost,
    curves,
    example,
    steps,
    provenance,
    report,


# Snakemake makes a deleted file again where a target asks for it, and not where only the makers of
# other files did: so fits and scores are targets, too.
rule all:
    default_target: True
    input:
        all_fits(),
        [file for name in study.experiments for file in score_files(name)],
        f"{RESULTS}/report.html",
        table_files(),
        f"{RESULTS}/tables/cost.csv",
        f"{RESULTS}/tables/cost.md",
        figure_files(),
        f"{RESULTS}/tables/study.yaml",


# the corpora that the study uses, and nothing else
rule download_all:
    input:
        [index_file(name) for name in study.known],


rule tables:
    input:
        table_files(),


rule figures:
    input:
        figure_files(),


onstart:
    own()


onsuccess:
    disown()


onerror:
    disown()
