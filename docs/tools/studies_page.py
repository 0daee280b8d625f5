"""The page of the studies that come with the project, made of their files."""

from dap.study.outline import CHECKOUT, Outline, in_words, included


def page() -> str:
    """The page in Markdown."""
    lines = [
        "# The studies",
        "",
        "What `dap study list` says, from the files themselves. `dap study check FILE` says what "
        "one would make on your machine: jobs, hours, downloads, disk.",
        "",
        "| study | title | experiments | fits or trainings | results, at most | needs |",
        "| --- | --- | --- | ---: | ---: | --- |",
    ]
    for path in included():
        outline = Outline.of_file(path)
        name = path.relative_to(CHECKOUT).as_posix()
        cells = [
            f"[{path.name}](../{name})",
            outline.title,
            "; ".join(outline.experiments),
            f"{outline.fits or outline.trainings:,}",
            in_words(outline.bytes),
            outline.needs,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
