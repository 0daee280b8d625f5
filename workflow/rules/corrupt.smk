# clips -> observations


rule observations:
    input:
        clips=of(depends.clip_manifests),
        noise=of(depends.noise_files),
    output:
        manifest=paths.observations(),
    log:
        paths.log("observations", *OBSERVATIONS),
    benchmark:
        paths.benchmark("observations", *OBSERVATIONS)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("observations.py", plugins_of=depends.observation_modules),
        observations=of(depends.observation_count),
        corruption=of(depends.corruption),
        noise=of(depends.noise),
        unwatched=of(depends.unwatched_noise),
        seed=study["seed"],
        sample_rate=study["sample_rate"],
        spectrogram=study["spectrogram"],
    script:
        "../scripts/observations.py"
