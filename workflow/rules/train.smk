# clips -> models; observations -> estimates by these, in the form of fits


rule train:
    input:
        clips=of(models.clips),
    output:
        model=paths.model(),
        learning=paths.learning(),
    log:
        paths.log("train", *MODELS),
    benchmark:
        paths.benchmark("train", *MODELS)
    wildcard_constraints:
        experiment=one_of(depends.experiments(study, trained=True)),
        method=one_of(plugins("priors")),
    retries: retries()
    conda:
        ENVIRONMENT
    threads: study["threads"]
    resources:
        mem_mb=each_attempt(8000),
        runtime=each_attempt(1440),
        gpu=int(study["device"] != "cpu"),
    params:
        **code("train.py", plugins_of=models.modules),
        setup=of(models.training),
        seed=study["seed"],
        device=study["device"],
        threads=study["threads"],
        sample_rate=study["sample_rate"],
    script:
        "../scripts/train.py"


rule card:
    input:
        model=paths.model(),
        learning=paths.learning(),
        scores=of(models.scores),
    output:
        paths.card(),
    log:
        paths.log("card", *MODELS),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        **code("card.py"),
    script:
        "../scripts/card.py"


rule separate:
    input:
        observations=paths.observations(),
        models=of(models.files),
    output:
        manifest=paths.fits(),
    log:
        paths.log("separate", *FITS),
    benchmark:
        paths.benchmark("separate", *FITS)
    wildcard_constraints:
        experiment=one_of(depends.experiments(study, trained=True)),
        method=one_of(plugins("priors")),
    retries: retries()
    conda:
        ENVIRONMENT
    threads: study["threads"]
    resources:
        mem_mb=each_attempt(4000),
        runtime=each_attempt(120),
        gpu=int(study["device"] != "cpu"),
    params:
        **code("separate.py", plugins_of=models.modules),
        setup=of(models.training),
        task=of(depends.task),
        device=study["device"],
        threads=study["threads"],
        sample_rate=study["sample_rate"],
    script:
        "../scripts/separate.py"
