# fits -> scores


rule score:
    input:
        clips=of(depends.clip_manifests),
        observations=paths.observations(),
        fits=paths.fits(),
        snapshots=of(depends.snapshots),
    output:
        paths.scores(),
    log:
        paths.log("score", *FITS),
    benchmark:
        paths.benchmark("score", *FITS)
    conda:
        ENVIRONMENT
    threads: study["threads"]
    resources:
        mem_mb=1500 + 500 * study["threads"],
        runtime=60,
    params:
        **code("score.py", plugins_of=depends.score_modules),
        metrics=of(depends.score_metrics),
        selections=of(depends.score_selections),
        trajectory=of(depends.score_trajectory),
        task=of(depends.task),
        task_fields=of(depends.score_task),
        sample_rate=study["sample_rate"],
    script:
        "../scripts/score.py"
