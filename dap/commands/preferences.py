"""`dap preferences`: what listeners preferred, from the files that their reports exported."""

from pathlib import Path

import click

from dap.errors import DapError


@click.command()
@click.argument(
    "votes",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False),
    metavar="JSON...",
)
@click.option(
    "--csv",
    "csv_path",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the numbers there, too.",
)
@click.option("--force", is_flag=True, help="Replace FILE.")
def preferences(votes: tuple[str, ...], *, csv_path: str | None, force: bool) -> None:
    """Tally the votes of blind comparisons, JSON files that a study's report.html exported.

    Standard output is a table in Markdown: how often each method was preferred, with an interval.
    Files of several studies, or of other sounds, are refused, and damaged ones.
    """
    if csv_path is not None and Path(csv_path).exists() and not force:
        raise DapError(f"{csv_path}: exists: name another file, or use --force")
    from dap.reporting.preferences import read_votes, tally, to_csv, to_markdown
    from dap.store import write_text

    study, found = read_votes([Path(path) for path in votes])
    table = tally(found)
    if csv_path is not None:
        write_text(Path(csv_path), to_csv(table))
    click.echo(to_markdown(study, table), nl=False)
