# clips -> observations


rule observations:
    input:
        clips=clip_manifests,
        noise=noise_files,
    output:
        manifest=f"{RESULTS}/observations/{{experiment}}/{{cell}}/{{chunk}}/manifest.csv",
    log:
        f"{RESULTS}/logs/observations/{{experiment}}/{{cell}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/observations/{{experiment}}/{{cell}}/{{chunk}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        observations=observation_count,
        corruption=corruption,
        noise=noise,
        seed=study["seed"],
        sample_rate=study["sample_rate"],
        spectrogram=study["spectrogram"],
        code=observations_code,
    script:
        "../scripts/observations.py"
