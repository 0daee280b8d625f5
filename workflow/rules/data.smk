# corpora -> clips
# The two rules of known corpora carry no hash of the code that they use: a changed line would fetch
# gigabytes again where an archive was removed after it was unpacked.


rule download:
    input:
        mirror=of(depends.mirror_archives),
    output:
        receipt=receipt_file("{archive}"),
    log:
        paths.log("download", "{archive}"),
    wildcard_constraints:
        archive=one_of(study.known),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=600,
    params:
        sources=of(depends.archive_sources),
    script:
        "../scripts/download.py"


rule unpack:
    input:
        receipt=of(depends.archive_receipt),
        folder=of(depends.mirror_folder),
    output:
        index=index_file("{archive}"),
        origin=origin_file("{archive}"),
    log:
        paths.log("unpack", "{archive}"),
    wildcard_constraints:
        archive=one_of([name for name in study.known if name not in depends.rendered(study)]),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=120,
    params:
        sources=of(depends.archive_sources),
    script:
        "../scripts/unpack.py"


rule render:
    output:
        index=index_file("{archive}"),
        origin=origin_file("{archive}"),
    log:
        paths.log("render", "{archive}"),
    wildcard_constraints:
        archive=one_of(depends.rendered(study)),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        **code("render.py"),
        # no text, whose braces would be wildcards
        font=lambda wildcards: study.sound_font,
    script:
        "../scripts/render.py"


rule weights:
    input:
        mirror=of(depends.weights_mirror),
    output:
        receipt=receipt_of_weights("{method}"),
    log:
        paths.log("weights", "{method}"),
    wildcard_constraints:
        method=one_of(study.trained),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=500,
        runtime=60,
    params:
        files=of(depends.weights_files),
    script:
        "../scripts/weights.py"


rule clips:
    input:
        recordings=of(depends.recordings),
    output:
        manifest=paths.clips(),
    log:
        paths.log("clips", *CLIPS),
    benchmark:
        paths.benchmark("clips", *CLIPS)
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("clips.py", plugins_of=depends.clip_modules),
        draws=of(depends.clip_draws),
        span=of(depends.clip_span),
        unwatched=of(depends.unwatched_recordings),
        entry=of(depends.clip_entry),
        seed=study["seed"],
        sample_rate=study["sample_rate"],
    script:
        "../scripts/clips.py"
