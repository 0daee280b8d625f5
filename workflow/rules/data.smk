# corpora -> clips
def recordings(wildcards):
    entry = study.corpus(wildcards.corpus)
    if "synthetic" in entry:
        return []
    draws = study.clips(wildcards.corpus, wildcards.chunk)
    return [f"{entry['folder']}/{draw.file}" for draw in draws]


def clip_draws(wildcards):
    return [draw.facts() for draw in study.clips(wildcards.corpus, wildcards.chunk)]


def corpus_entry(wildcards):
    # what a clip depends on: a corpus's title or licence is none of it
    keys = ("synthetic", "folder", "samples", "level", "window")
    return {key: value for key, value in study.corpus(wildcards.corpus).items() if key in keys}


def clips_code(wildcards):
    return code("clips.py", *synthetic_modules(wildcards.corpus))


rule clips:
    input:
        recordings=recordings,
    output:
        manifest=f"{RESULTS}/clips/{{corpus}}/{{chunk}}/manifest.csv",
    params:
        draws=clip_draws,
        entry=corpus_entry,
        seed=study["seed"],
        sample_rate=study["sample_rate"],
        code=clips_code,
    log:
        f"{RESULTS}/logs/clips/{{corpus}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/clips/{{corpus}}/{{chunk}}.tsv"
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        ENVIRONMENT
    script:
        "../scripts/clips.py"
