# scores -> tables, figures, report


rule table:
    input:
        scores=of(presentation.table_scores),
        published=of(presentation.table_published),
    output:
        csv=paths.table("{name}", "csv"),
        markdown=paths.table("{name}", "md"),
        latex=paths.table("{name}", "tex"),
    log:
        paths.log("tables", "{name}"),
    benchmark:
        paths.benchmark("tables", "{name}")
    wildcard_constraints:
        name=one_of(study["tables"]),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("table.py"),
        entry=of(presentation.table_entry),
        setup=of(presentation.table_setup),
        metrics=of(presentation.table_metrics),
    script:
        "../scripts/table.py"


rule cost:
    input:
        fits=depends.all_fits(study),
        models=models.all_files(study),
    output:
        csv=paths.table("cost", "csv"),
        markdown=paths.table("cost", "md"),
    log:
        paths.log("tables", "cost"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("cost.py"),
        methods=[name for name in plugins("priors") if name in WILDCARDS["method"]],
    script:
        "../scripts/cost.py"


# Rules that inherit keep all parameters that they do not name, so the code's are the same for all.
rule curves:
    input:
        unpack(of(presentation.curves_inputs)),
    output:
        pdf=paths.figure("{name}", "pdf"),
        png=paths.figure("{name}", "png"),
    log:
        paths.log("figures", "{name}"),
    wildcard_constraints:
        name=one_of(presentation.figures_of(study, "curves")),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("figure.py", plugins_of=presentation.figure_modules),
        module=presentation.figure_module("curves"),
        setup=of(presentation.curves_setup),
    script:
        "../scripts/figure.py"


use rule curves as example with:
    input:
        unpack(of(presentation.example_inputs)),
    wildcard_constraints:
        name=one_of(presentation.figures_of(study, "example")),
    params:
        module=presentation.figure_module("example"),
        setup=of(presentation.example_setup),


use rule curves as steps with:
    input:
        unpack(of(presentation.steps_inputs)),
    wildcard_constraints:
        name=one_of(presentation.figures_of(study, "steps")),
    params:
        module=presentation.figure_module("steps"),
        setup=of(presentation.steps_setup),


use rule curves as learning with:
    input:
        unpack(of(presentation.learning_inputs)),
    wildcard_constraints:
        name=one_of(presentation.figures_of(study, "learning")),
    params:
        module=presentation.figure_module("learning"),
        setup=of(presentation.learning_setup),


use rule curves as natural_statistics with:
    input:
        unpack(of(presentation.statistics_inputs)),
    output:
        pdf=paths.figure("{name}", "pdf"),
        png=paths.figure("{name}", "png"),
        csv=paths.figure("{name}", "csv"),
    wildcard_constraints:
        name=one_of(presentation.figures_of(study, "statistics")),
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        module=presentation.figure_module("statistics"),
        setup=of(presentation.statistics_setup),


rule provenance:
    # the resolved study and where its numbers come from, written anew whenever a table is
    input:
        tables=[paths.table(name, "csv") for name in tables_shown(study)],
        cost=paths.table("cost", "csv"),
        fits=depends.all_fits(study),
        models=models.all_files(study),
    output:
        study=paths.table("study", "yaml"),
        provenance=paths.table("provenance", "json"),
    log:
        paths.log("provenance"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        **code("provenance.py"),
        study=study.config,
        # no text, whose braces would be wildcards
        root=lambda wildcards: os.path.relpath(ROOT),
    script:
        "../scripts/provenance.py"


rule report:
    input:
        **presentation.report_inputs(study),
    output:
        paths.report,
    log:
        paths.log("report"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("report.py"),
        setup=presentation.report_setup(study),
    script:
        "../scripts/report.py"
