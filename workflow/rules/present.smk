# scores -> tables, figures, report


rule table:
    input:
        scores=table_scores,
        published=table_published,
    output:
        multiext(f"{RESULTS}/tables/{{name}}", ".csv", ".md", ".tex"),
    log:
        f"{RESULTS}/logs/tables/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables/{{name}}.tsv"
    wildcard_constraints:
        name="|".join(map(re.escape, study["tables"])) or "(?!)",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        entry=table_entry,
        setup=table_setup,
        facts=table_facts,
        code=code("table.py"),
    script:
        "../scripts/table.py"


rule cost:
    input:
        fits=all_fits(),
    output:
        csv=f"{RESULTS}/tables/cost.csv",
        markdown=f"{RESULTS}/tables/cost.md",
    log:
        f"{RESULTS}/logs/tables/cost.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        methods=list(registry.plugins("priors")),
        code=code("cost.py"),
    script:
        "../scripts/cost.py"


rule curves:
    input:
        scores=curves_scores,
        fits=curves_fits,
    output:
        multiext(f"{RESULTS}/figures/{{name}}", ".pdf", ".png"),
    log:
        f"{RESULTS}/logs/figures/{{name}}.log",
    wildcard_constraints:
        name=figures_of("curves"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        setup=curves_setup,
        code=code("curves.py"),
    script:
        "../scripts/curves.py"


rule example:
    input:
        unpack(example_inputs),
    output:
        multiext(f"{RESULTS}/figures/{{name}}", ".pdf", ".png"),
    log:
        f"{RESULTS}/logs/figures/{{name}}.log",
    wildcard_constraints:
        name=figures_of("example"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        setup=example_setup,
        code=code("example.py"),
    script:
        "../scripts/example.py"


rule steps:
    input:
        unpack(steps_inputs),
    output:
        multiext(f"{RESULTS}/figures/{{name}}", ".pdf", ".png"),
    log:
        f"{RESULTS}/logs/figures/{{name}}.log",
    wildcard_constraints:
        name=figures_of("steps"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        setup=steps_setup,
        code=code("steps.py"),
    script:
        "../scripts/steps.py"


rule natural_statistics:
    input:
        unpack(statistics_inputs),
    output:
        pdf=f"{RESULTS}/figures/{{name}}.pdf",
        png=f"{RESULTS}/figures/{{name}}.png",
        csv=f"{RESULTS}/figures/{{name}}.csv",
    log:
        f"{RESULTS}/logs/figures/{{name}}.log",
    wildcard_constraints:
        name=figures_of("statistics"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        setup=statistics_setup,
        code=code("natural_statistics.py"),
    script:
        "../scripts/natural_statistics.py"


rule provenance:
    # the resolved study and where its numbers come from, written anew whenever a table is
    input:
        tables=expand(f"{RESULTS}/tables/{{name}}.csv", name=study["tables"]),
        cost=f"{RESULTS}/tables/cost.csv",
        fits=all_fits(),
    output:
        study=f"{RESULTS}/tables/study.yaml",
        provenance=f"{RESULTS}/tables/provenance.json",
    log:
        f"{RESULTS}/logs/provenance.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        study=study.config,
        root=str(CHECKOUT),
        code=code("provenance.py"),
    script:
        "../scripts/provenance.py"


rule report:
    input:
        unpack(report_inputs),
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        facts=report_facts(),
        code=code("report.py"),
    script:
        "../scripts/report.py"
