# fits -> scores
def score_metrics(wildcards):
    # a metric of speech has no meaning for piano: it is left out, not scored as missing
    speech = all(study.corpus(part)["speech"] for part in parts(wildcards))
    facts = registry.plugins("metrics", "METRICS")
    metrics = study.experiments[wildcards.experiment].metrics
    return [name for name in metrics if speech or not facts[name].facts.get("speech")]


def score_selections(wildcards):
    return study.experiments[wildcards.experiment].selections


def score_code(wildcards):
    experiment = study.experiments[wildcards.experiment]
    names = [*score_metrics(wildcards), experiment.quality]
    return code("score.py", *plugin_modules("metrics", "METRICS", names))


rule score:
    input:
        clips=clip_manifests,
        observations=rules.observations.output.manifest,
        fits=rules.fit.output.manifest,
        snapshots=rules.fit.output.snapshots,
    output:
        f"{RESULTS}/scores/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.csv",
    params:
        metrics=score_metrics,
        selections=score_selections,
        task=fit_task,
        sample_rate=study["sample_rate"],
        code=score_code,
    log:
        f"{RESULTS}/logs/score/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/score/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    conda:
        ENVIRONMENT
    script:
        "../scripts/score.py"
