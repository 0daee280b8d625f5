# fits -> scores


rule score:
    input:
        clips=clip_manifests,
        observations=rules.observations.output.manifest,
        fits=rules.fit.output.manifest,
        snapshots=rules.fit.output.snapshots,
    output:
        f"{RESULTS}/scores/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.csv",
    log:
        f"{RESULTS}/logs/score/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/score/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.tsv"
    conda:
        ENVIRONMENT
    threads: study["threads"]
    resources:
        mem_mb=1500 + 500 * study["threads"],
        runtime=60,
    params:
        metrics=score_metrics,
        selections=score_selections,
        trajectory=score_trajectory,
        task=fit_task,
        sample_rate=study["sample_rate"],
        code=score_code,
    script:
        "../scripts/score.py"
