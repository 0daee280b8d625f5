"""`dap collect`."""

from pathlib import Path

import click

from dap.errors import one_line


@click.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "--into",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="The folder of the study's results, results/STUDY.",
)
@click.option(
    "--export",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Pack what was made in PARTS into one archive instead: .tar.zst, .tar.xz or .tar.gz.",
)
def collect(parts: tuple[str, ...], into: str | None, export: str | None) -> None:
    """Join PARTS of one study that were made on several machines, or in several sittings.

    A part is a folder of results that `snakemake --config part=...` left, or an archive of
    --export. Parts that differ in setup, in the code that makes numbers, in clips or observations,
    or in the numbers of a clip, are refused, and damaged ones: then nothing is joined. What is
    there twice, to the bit, counts once.
    """
    if (into is None) == (export is None):
        raise click.UsageError("name either a folder (--into) or an archive (--export)")
    from dap.runtime import archive
    from dap.runtime import collect as joining

    if export is not None:
        archive.require_archive(Path(export))
        joined, verb = joining.export(parts, Path(export)), "packed"
    else:
        joined, verb = joining.collect(parts, Path(str(into))), "joined"
    cpus = ", ".join(f"{count} on {cpu}" for cpu, count in sorted(joined.cpus.items()))
    click.echo(
        one_line(
            f"{export or into}: {len(joined.chunks)} chunks of {joined.study} {verb}, "
            f"{joined.repeats} repeats dropped; {cpus}"
        ),
        err=True,
    )
