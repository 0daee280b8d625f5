# observations -> fits


rule fit:
    input:
        observations=f"{RESULTS}/observations/{{experiment}}/{{cell}}/{{chunk}}/manifest.csv",
    output:
        manifest=f"{RESULTS}/fits/{{experiment}}/{{cell}}/{{method}}/{{chunk}}/manifest.csv",
        losses=f"{RESULTS}/fits/{{experiment}}/{{cell}}/{{method}}/{{chunk}}/losses.csv",
        snapshots=(
            f"{RESULTS}/fits/{{experiment}}/{{cell}}/{{method}}/{{chunk}}/snapshots.npz"
            if study["keep_snapshots"]
            else temp(f"{RESULTS}/fits/{{experiment}}/{{cell}}/{{method}}/{{chunk}}/snapshots.npz")
        ),
    log:
        f"{RESULTS}/logs/fit/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fit/{{experiment}}/{{cell}}/{{method}}/{{chunk}}.tsv"
    retries: fit_retries()
    conda:
        ENVIRONMENT
    threads: study["threads"]
    resources:
        mem_mb=fit_memory,
        runtime=fit_minutes,
        gpu=fit_gpus,
        attempt=this_attempt,
    params:
        setup=fit_setup,
        task=fit_task,
        seed=study["seed"],
        seeds=study["seeds"],
        device=study["device"],
        threads=study["threads"],
        sample_rate=study["sample_rate"],
        code=fit_code,
    script:
        "../scripts/fit.py"
