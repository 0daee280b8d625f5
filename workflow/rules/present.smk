# scores -> tables, figures, report


rule table:
    input:
        scores=of(presentation.tables.table_scores),
        published=of(presentation.tables.table_published),
    output:
        csv=report(
            paths.table("{name}", "csv"),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{name}", "form": "CSV"},
        ),
        markdown=report(
            paths.table("{name}", "md"),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{name}", "form": "Markdown"},
        ),
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
        entry=of(presentation.tables.table_entry),
        setup=of(presentation.tables.table_setup),
        metrics=of(presentation.tables.table_metrics),
    script:
        "../scripts/table.py"


rule cost:
    input:
        fits=depends.all_fits(study),
        models=models.all_files(study),
    output:
        csv=report(
            paths.table("cost", "csv"),
            caption="../report/cost.rst",
            category="Tables",
            labels={"table": "cost", "form": "CSV"},
        ),
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
        unpack(of(presentation.figures.curves_inputs)),
    output:
        pdf=report(
            paths.figure("{name}", "pdf"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}", "form": "PDF"},
        ),
        png=report(
            paths.figure("{name}", "png"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}", "form": "PNG"},
        ),
    log:
        paths.log("figures", "{name}"),
    wildcard_constraints:
        name=one_of(presentation.figures.figures_of(study, "curves")),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("figure.py", plugins_of=presentation.figures.figure_modules),
        module=presentation.figures.figure_module("curves"),
        setup=of(presentation.figures.curves_setup),
    script:
        "../scripts/figure.py"


use rule curves as example with:
    input:
        unpack(of(presentation.figures.example_inputs)),
    wildcard_constraints:
        name=one_of(presentation.figures.figures_of(study, "example")),
    params:
        module=presentation.figures.figure_module("example"),
        setup=of(presentation.figures.example_setup),


use rule curves as steps with:
    input:
        unpack(of(presentation.figures.steps_inputs)),
    wildcard_constraints:
        name=one_of(presentation.figures.figures_of(study, "steps")),
    params:
        module=presentation.figures.figure_module("steps"),
        setup=of(presentation.figures.steps_setup),


use rule curves as learning with:
    input:
        unpack(of(presentation.figures.learning_inputs)),
    wildcard_constraints:
        name=one_of(presentation.figures.figures_of(study, "learning")),
    params:
        module=presentation.figures.figure_module("learning"),
        setup=of(presentation.figures.learning_setup),


use rule curves as natural_statistics with:
    input:
        unpack(of(presentation.figures.statistics_inputs)),
    output:
        pdf=report(
            paths.figure("{name}", "pdf"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}", "form": "PDF"},
        ),
        png=report(
            paths.figure("{name}", "png"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{name}", "form": "PNG"},
        ),
        csv=paths.figure("{name}", "csv"),
    wildcard_constraints:
        name=one_of(presentation.figures.figures_of(study, "statistics")),
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        module=presentation.figures.figure_module("statistics"),
        setup=of(presentation.figures.statistics_setup),


rule overview:
    input:
        scores=depends.all_scores(study),
    output:
        pdf=report(
            paths.figure(OVERVIEW, "pdf"),
            caption="../report/overview.rst",
            category="Figures",
            labels={"figure": OVERVIEW, "form": "PDF"},
        ),
        png=report(
            paths.figure(OVERVIEW, "png"),
            caption="../report/overview.rst",
            category="Figures",
            labels={"figure": OVERVIEW, "form": "PNG"},
        ),
    log:
        paths.log("figures", OVERVIEW),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("figure.py", presentation.figures.OVERVIEW_MODULE),
        module=presentation.figures.OVERVIEW_MODULE,
        setup=presentation.figures.overview_setup(study),
    script:
        "../scripts/figure.py"


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
        **presentation.report.report_inputs(study),
    output:
        page=report(paths.report, caption="../report/report.rst", category="Report"),
        summary=paths.summary,
    log:
        paths.log("report"),
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        **code("report.py"),
        setup=presentation.report.report_setup(study),
    script:
        "../scripts/report.py"
