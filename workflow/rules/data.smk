# corpora -> clips


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
        entry=corpus_entry,
        seed=study["seed"],
        sample_rate=study["sample_rate"],
        code=clips_code,
    script:
        "../scripts/clips.py"
