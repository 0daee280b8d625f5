"""`python -m benchmarks.stops FOLDER`: where rules stop a fit, against its best iterate.

Each clip is fitted at a constant rate, and all rules follow the same fit. What is judged is the
moving average. Traces are kept in a folder, and not made again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import mean

import click
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.__main__ import heading
from benchmarks.frontier.sets import CELLS, SAMPLE_RATE, SETS, SPECTROGRAM, Cell, count, observe
from dap.errors import DapError
from dap.fitting import engine, loop
from dap.fitting.objectives import Objective
from dap.fitting.objectives.tasks import objective
from dap.fitting.stops import EVERY, PATIENCE, PATIENCE_SHARE, Rule, Stop
from dap.fitting.stops.rules import stopping
from dap.observation import Observation
from dap.options import FitOptions
from dap.plugins import plugin
from dap.scoring.evaluate import score
from dap.seeds import derive
from dap.stft import STFT
from dap.tasks import TASKS

RULES = ("variance", "discrepancy")


class Trace(Stop):
    """Follows a fit by several rules, and notes their values beside the quality of the average.

    Args:
        rules: by name.
        quality: signals -> the measure of the task, higher is better.
    """

    def __init__(self, rules: dict[str, Rule], quality: Callable[[np.ndarray], float]):
        super().__init__(next(iter(rules.values())))
        self.rules, self.quality = rules, quality
        self.columns: dict[str, list[float]] = {"iteration": [], "quality": []}

    def __deepcopy__(self, memo: dict) -> "Trace":
        """Itself: it is read once the fit has ended."""
        return self

    def update(self, iteration: int, estimates: Tensor, signals: Callable[[], Tensor]) -> None:
        """Note an iteration."""
        for rule in self.rules.values():
            rule.update(iteration, estimates)
        if iteration % EVERY:
            return
        self._note("iteration", iteration)
        self._note("quality", self.quality(signals().numpy()))
        for name, rule in self.rules.items():
            self._note(name, rule.value())
            self._note(f"{name}: over", rule.over())

    def _note(self, name: str, value: float) -> None:
        self.columns.setdefault(name, []).append(value)


def measure(cell: Cell, references: np.ndarray, observation: Observation) -> Callable:
    """The cell's measure of signals, (outputs, samples): of the scope that is reported."""
    metric = cell.metrics[0]

    def quality(signals: np.ndarray) -> float:
        rows = score(
            references, {"average": signals}, np.empty(0, int), np.empty((0, 1, 1)),
            task=cell.task, metrics=[metric], wanted=["average"],
            sources=list(cell.corpora) if len(cell.corpora) > 1 else [""],
            sample_rate=SAMPLE_RATE, last_iteration=0, mask=observation.known.get("mask"),
        )  # fmt: skip
        scopes = ("full", "filled", "projected")
        return mean(row["value"] for row in rows if row["scope"] in scopes)

    return quality


def trace(
    folder: Path, name: str, which: str, clip: int, design: str, options: FitOptions, hop: int,
    kept: Path,
) -> None:  # fmt: skip
    """Fit one clip, and keep what the rules said."""
    torch.set_num_threads(1)
    cell, spectrogram = CELLS[name], SPECTROGRAM | {"hop_length": hop}
    references, observation = observe(folder, name, which, clip)
    transform = STFT(**spectrogram, device="cpu")
    with plugin("priors", design).running() as module:
        build = partial(module.build, width=options.width, network=options.network)
        task_options = {key: getattr(options, key) for key in TASKS[cell.task].options}
        target: Objective = objective(cell.task, observation, transform, "cpu", task_options)
        followed = {
            rule: stopping(rule, cell.task, observation, target, transform).rule for rule in RULES
        }
        traced = Trace(followed, measure(cell, references, observation))
        seed = derive(0, "stops", name, which, clip)
        result = loop.fit(build, target, options, seed=seed, device="cpu", stop=traced)
    kept.parent.mkdir(parents=True, exist_ok=True)
    # a fit that was begun again has traces of what failed before it
    first = sum(result.failed) // EVERY
    np.savez(kept, **{key: np.array(value[first:]) for key, value in traced.columns.items()})


def stopped(values: np.ndarray, over: np.ndarray, iterations: np.ndarray) -> tuple[int, int]:
    """The indexes of the point that `dap.fitting.stops.Stop` keeps, and of that where it ends."""
    best, kept = np.inf, -1
    for index, value in enumerate(values):
        if value < best:
            best, kept = value, index
        at = iterations[kept] if kept >= 0 else 0
        if over[index] or (
            kept >= 0 and iterations[index] - at >= max(PATIENCE, PATIENCE_SHARE * at)
        ):
            return (kept if kept >= 0 else index), index
    return (kept if kept >= 0 else len(values) - 1), len(values) - 1


def row(name: str, rule: str, traces: Sequence[dict]) -> str:
    """A line of the table: differences to the best and the last of each fit's averages."""
    best, last, share, gained = [], [], [], []
    for own in traces:
        kept, end = stopped(own[rule], own[f"{rule}: over"], own["iteration"])
        best.append(own["quality"][kept] - own["quality"].max())
        last.append(own["quality"][kept] - own["quality"][-1])
        share.append(own["iteration"][end] / own["iteration"][-1])
        gained.append(own["iteration"][kept])
    return (
        f"| {name} | {rule} | {len(best)} | {mean(best):+.2f} | {min(best):+.2f} "
        f"| {mean(last):+.2f} | {min(last):+.2f} | {mean(gained):.0f} | {mean(share):.2f} |"
    )


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--set", "which", type=click.Choice(SETS), default="choose", show_default=True)
@click.option("--cell", multiple=True, help="Cells whose name contains this; default: all.")
@click.option("--clips", default=3, show_default=True)
@click.option("--design", default="dilated-exp-dense", show_default=True)
@click.option("--width", default=0.25, show_default=True)
@click.option("--hop", default=256, show_default=True)
@click.option("--iterations", default=1000, show_default=True)
@click.option("--input", "given", default="noise", show_default=True, help="Of the network.")
@click.option("--jobs", default=2, show_default=True, help="Fits beside each other.")
@click.option("--traces", default=Path("/tmp/dap-stops"), show_default=True, type=Path)
def main(
    folder: Path, which: str, cell: Sequence[str], clips: int, design: str, width: float, hop: int,
    iterations: int, given: str, jobs: int, traces: Path,
) -> None:  # fmt: skip
    """Follow fits to recordings under FOLDER, and say where each rule would have stopped."""
    options = FitOptions.from_preset(
        "fast", width=width, iterations=iterations, cooldown=0.0, snapshots=1, restarts=0,
        input=given, precision=engine.choose("auto", "cpu"),
    )  # fmt: skip
    cells = [name for name in CELLS if not cell or any(text in name for text in cell)]

    def kept(name: str, clip: int) -> Path:
        place = f"{which}-{design}-{width:g}-{hop}-{iterations}-{given}"
        return traces / place / f"{name.replace('/', '-')}-{clip}.npz"

    asked = [(name, clip) for clip in range(clips) for name in cells if clip < count(CELLS[name])]
    with ProcessPoolExecutor(jobs) as pool:
        futures = {
            (name, clip): pool.submit(
                trace, folder, name, which, clip, design, options, hop, kept(name, clip)
            )
            for name, clip in asked
            if not kept(name, clip).exists()
        }
        for each, future in tqdm(futures.items()):
            try:
                future.result()
            except DapError as error:
                print(f"{each}: {error}", flush=True)
    print(
        f"{heading('cpu', 1)}; {design} at width {width:g}, hop {hop}, fed {given}, at most "
        f"{iterations} iterations at a constant rate\n\n| cell | rule | n | dB to the best "
        "| worst | to the last | worst | iteration | share |\n| --- | --- |" + " ---: |" * 7
    )
    for name in cells:
        made = [kept(name, clip) for clip in range(min(clips, count(CELLS[name])))]
        made = [dict(np.load(path)) for path in made if path.exists()]
        for rule in RULES if made else ():
            print(row(name, rule, made), flush=True)


if __name__ == "__main__":
    main()
