# observations -> fits
def fit_setup(wildcards):
    experiment = study.experiments[wildcards.experiment]
    objectives = registry.declared("objectives", "OBJECTIVES")
    foreign = {key for entry in objectives.values() for key in entry["options"]}
    foreign -= set(objectives[experiment.task]["options"])
    options = {key: value for key, value in experiment.fit.items() if key not in foreign}
    # a baseline depends on none of the options of a fit
    fitted = wildcards.method in registry.plugins("priors", "PRIORS")
    return {"fit": options if fitted else {}, "spectrogram": study["spectrogram"]}


def fit_task(wildcards):
    return study.experiments[wildcards.experiment].task


def fit_code(wildcards):
    return code("fit.py", method_module(wildcards.method))


rule fit:
    input:
        observations=f"{RESULTS}/observations/{{experiment}}/{{cell}}/{{chunk}}/manifest.csv",
    output:
        manifest=f"{RESULTS}/fits/{{experiment}}/{{cell}}/{{method}}/{{chunk}}/manifest.csv",
        snapshots=(
            f"{RESULTS}/fits/{{experiment}}/{{cell}}/{{method}}/{{chunk}}/snapshots.npz"
            if study["keep_snapshots"]
            else temp(
                f"{RESULTS}/fits/{{experiment}}/{{cell}}/{{method}}/{{chunk}}/snapshots.npz"
            )
        ),
    params:
        setup=fit_setup,
        task=fit_task,
        seed=study["seed"],
        seeds=study["seeds"],
        device=study["device"],
        threads=study["threads"],
        sample_rate=study["sample_rate"],
        code=fit_code,
    log:
        f"{RESULTS}/logs/fit/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fit/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.tsv"
    threads: study["threads"]
    resources:
        mem_mb=8000,
        runtime=720,
    conda:
        ENVIRONMENT
    script:
        "../scripts/fit.py"
