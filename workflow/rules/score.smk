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
        metrics=of(depends.score_metrics),
        selections=of(depends.score_selections),
        trajectory=of(depends.score_trajectory),
        task=of(depends.task),
        sample_rate=study["sample_rate"],
        code=code_of("score.py", depends.score_modules),
    script:
        "../scripts/score.py"
