# corpora -> clips
# The two rules of known corpora carry no hash of the code that they use: a changed line would fetch
# gigabytes again where an archive was removed after it was unpacked.


rule download:
    input:
        mirror=mirror_archives,
    output:
        receipt=f"{RESOURCES}/archives/{{archive}}.json",
    log:
        f"{RESULTS}/logs/download/{{archive}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=600,
    params:
        sources=archive_sources,
    script:
        "../scripts/download.py"


rule unpack:
    input:
        receipt=archive_receipt,
        folder=mirror_folder,
    output:
        index=f"{RESOURCES}/corpora/{{archive}}.csv",
        origin=f"{RESOURCES}/corpora/{{archive}}.json",
    log:
        f"{RESULTS}/logs/unpack/{{archive}}.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        sources=archive_sources,
    script:
        "../scripts/unpack.py"


rule clips:
    input:
        recordings=recordings,
    output:
        manifest=f"{RESULTS}/clips/{{corpus}}/{{chunk}}/manifest.csv",
    log:
        f"{RESULTS}/logs/clips/{{corpus}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/clips/{{corpus}}/{{chunk}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        draws=clip_draws,
        span=clip_span,
        entry=corpus_entry,
        seed=study["seed"],
        sample_rate=study["sample_rate"],
        code=clips_code,
    script:
        "../scripts/clips.py"
