"""`python -m benchmarks.frontier`: measure, and show what is best at its cost.

Results are kept in docs/results/frontier/scores.csv, by a digest of all that they depend on: what
is there already is not measured again, so that any number of runs add to one table.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click
from tqdm import tqdm

from benchmarks.frontier import front
from benchmarks.frontier.measure import SCORES, append, key, measure, measured
from benchmarks.frontier.sets import CELLS, SETS, count
from benchmarks.frontier.ways import WAYS
from dap.errors import DapError
from dap.study.code_hash import Code


def planned(
    which: str, cells: Sequence[str], ways: Sequence[str], clips: int, seeds: int
) -> list[tuple[str, str, int, str, int]]:
    """Cell, set, clip, way and seed, all ways on a clip before the next clip."""
    return [
        (cell, which, clip, way, seed)
        for clip in range(clips)
        for seed in range(seeds)
        for cell in cells
        if clip < count(CELLS[cell])
        for way in ways
        if WAYS[way].suits(CELLS[cell])
    ]


def matching(names: Sequence[str], asked: Sequence[str]) -> list[str]:
    """The names that are one of some texts, or contain one that is no name; all, where none is."""
    parts = [text for text in asked if text not in names]
    return [
        name for name in names if not asked or name in asked or any(text in name for text in parts)
    ]


@click.group()
def main() -> None:
    """Quality against seconds, of every method and way to fit it."""


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--set", "which", type=click.Choice(SETS), default="choose", show_default=True)
@click.option("--cell", multiple=True, help="Cells whose name contains this; default: all.")
@click.option("--way", multiple=True, help="Ways whose name contains this; default: all.")
@click.option("--clips", default=2, show_default=True, type=click.IntRange(1), help="Of a cell.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1))
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1))
@click.option("--hours", default=1.0, show_default=True, help="Nothing is begun after that.")
def run(
    folder: Path,
    which: str,
    cell: Sequence[str],
    way: Sequence[str],
    clips: int,
    seeds: int,
    jobs: int,
    hours: float,
) -> None:
    """Measure what is missing, on the recordings under FOLDER."""
    code, end = Code(), time.monotonic() + 3600 * hours
    done = measured()
    asked = planned(which, matching(list(CELLS), cell), matching(list(WAYS), way), clips, seeds)
    missing = {key(*each, code): each for each in asked}
    missing = {digest: each for digest, each in missing.items() if digest not in done}
    print(f"{len(asked)} asked for, {len(missing)} of them to be measured", flush=True)
    with ProcessPoolExecutor(jobs) as pool, tqdm(total=len(missing)) as bar:
        waiting = list(missing.items())
        running = {}
        while running or waiting:
            while waiting and len(running) < jobs and time.monotonic() < end:
                digest, each = waiting.pop(0)
                running[pool.submit(measure, folder, *each)] = digest, each
            if not running:
                break
            future = next(as_completed(running))
            digest, each = running.pop(future)
            try:
                append(SCORES, digest, future.result())
            except DapError as error:
                print(f"{each}: {error}", flush=True)
            bar.update()


@main.command()
@click.option("--set", "which", type=click.Choice(SETS), default="choose", show_default=True)
def show(which: str) -> None:
    """Write the table and the figure of a set, beside the scores."""
    scores = front.load(SCORES)
    front.write_table(scores, which, SCORES.with_name(f"{which}.md"))
    front.draw(scores, which, SCORES.with_name(which))
    SCORES.with_name(f"{which}.pdf").unlink()


@main.command()
@click.argument("way", type=click.Choice(list(WAYS)))
@click.argument("others", nargs=-1, required=True, type=click.Choice(list(WAYS)))
@click.option("--set", "which", type=click.Choice(SETS), default="choose", show_default=True)
@click.option("--metric", default="", help="By default the one that a cell is measured by.")
def compare(way: str, others: Sequence[str], which: str, metric: str) -> None:
    """What WAY is ahead of OTHERS by, over the clips that both have."""
    scores = front.load(SCORES)
    print(front.differences(scores, which, way, others, metric))


@main.command()
@click.argument("ways", nargs=-1, required=True, type=click.Choice(list(WAYS)))
@click.option("--set", "which", type=click.Choice(SETS), default="choose", show_default=True)
def stops(ways: Sequence[str], which: str) -> None:
    """What the stop of WAYS is ahead of their best and of their last iterate by."""
    print(front.stops(front.load(SCORES), which, ways))


if __name__ == "__main__":
    main()
