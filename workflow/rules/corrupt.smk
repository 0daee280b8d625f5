# clips -> observations
def observation_sources(wildcards):
    return study.observations(wildcards.experiment, wildcards.cell, wildcards.chunk)


def corruption(wildcards):
    return study.experiments[wildcards.experiment].corruption


def noise(wildcards):
    name = corruption(wildcards).get("noise")
    return [name, study.corpus(name)] if name else None


def noise_files(wildcards):
    drawn = noise(wildcards)
    if drawn is None or "synthetic" in drawn[1]:
        return []
    names = ("noise", wildcards.experiment, wildcards.cell)
    clips = observation_sources(wildcards)
    files = {pick(drawn[1], study["seed"], *names, clip) for clip in clips}
    return [f"{drawn[1]['folder']}/{file}" for file in sorted(files)]


def observations_code(wildcards):
    name = corruption(wildcards).get("noise")
    spectral = ["dap.spectrogram"] if corruption(wildcards)["kind"] == "gaps" else []
    return code("observations.py", *synthetic_modules(*filter(None, [name])), *spectral)


rule observations:
    input:
        clips=clip_manifests,
        noise=noise_files,
    output:
        manifest=f"{RESULTS}/observations/{{experiment}}/{{cell}}/{{chunk}}/manifest.csv",
    params:
        observations=observation_sources,
        corruption=corruption,
        noise=noise,
        seed=study["seed"],
        sample_rate=study["sample_rate"],
        spectrogram=study["spectrogram"],
        code=observations_code,
    log:
        f"{RESULTS}/logs/observations/{{experiment}}/{{cell}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/observations/{{experiment}}/{{cell}}/{{chunk}}.tsv"
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        ENVIRONMENT
    script:
        "../scripts/observations.py"
