# observations -> fits


rule fit:
    input:
        observations=paths.observations(),
        weights=of(depends.weights),
    output:
        manifest=paths.fits(),
        losses=paths.losses(),
        snapshots=(paths.snapshots() if study["keep_snapshots"] else temp(paths.snapshots())),
    log:
        paths.log("fit", *FITS),
    benchmark:
        paths.benchmark("fit", *FITS)
    wildcard_constraints:
        experiment=one_of(depends.experiments(study, trained=False)),
        method=one_of(plugins("priors")),
    priority: of(rank)
    # where a clip that kills its job is reported, one more attempt writes the others down
    retries: retries(more=study["run"]["missing"] == "report")
    conda:
        ENVIRONMENT
    threads: study["threads"]
    resources:
        mem_mb=each_attempt(8000),
        runtime=each_attempt(720),
        gpu=int(study["device"] != "cpu"),
        attempt=this_attempt,
    params:
        **code("fit.py", plugins_of=depends.fit_modules),
        setup=of(depends.fit_setup),
        task=of(depends.task),
        seed=study["seed"],
        seeds=study["seeds"],
        device=study["device"],
        threads=study["threads"],
        sample_rate=study["sample_rate"],
    script:
        "../scripts/fit.py"


rule baseline:
    input:
        observations=paths.observations(),
        weights=of(depends.weights),
    output:
        manifest=paths.fits(),
    log:
        paths.log("baseline", *FITS),
    benchmark:
        paths.benchmark("baseline", *FITS)
    wildcard_constraints:
        method=one_of(plugins("baselines")),
    priority: of(rank)
    retries: retries()
    conda:
        ENVIRONMENT
    threads: study["threads"]
    resources:
        mem_mb=each_attempt(4000),
        runtime=each_attempt(120),
    params:
        **code("baseline.py", plugins_of=depends.baseline_modules),
        task=of(depends.task),
        task_fields=of(depends.fit_task),
        threads=study["threads"],
        sample_rate=study["sample_rate"],
    script:
        "../scripts/baseline.py"
