# Parts of a study: what one sitting makes of it, and the records by which parts are joined.


rule record:
    input:
        clips=of(depends.clip_manifests),
        observations=paths.observations(),
        fits=paths.fits(),
        scores=paths.scores(),
    output:
        paths.records(),
    log:
        paths.log("record", *FITS),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=10,
    params:
        made=of(made_here),
        others=of(depends.recorded_beside),
    script:
        "../scripts/record.py"


# Where no like chunk was made on this kind of CPU, nobody knows how long one takes.
checkpoint trial:
    input:
        observations=trial_observations(study),
        weights=trial_weights(study),
    output:
        trial_file(paths, CPU),
    log:
        paths.log("trial"),
    conda:
        ENVIRONMENT
    threads: SLOTS * study["threads"]
    resources:
        mem_mb=2000 * SLOTS,
        runtime=60,
    params:
        **code("trial.py"),
        trials=trial_entries(study),
        at_once=SLOTS,
    script:
        "../scripts/trial.py"
