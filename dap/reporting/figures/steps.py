"""B's Figure 1: the output of each network after some steps of the fit."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from dap.errors import extra
from dap.reporting.figures.style import FLOOR_DB, WIDE, new_figure, save, snr_text, style
from dap.reporting.listening import iterates
from dap.study.paths import names

with extra("report"):
    from matplotlib.figure import Figure


def draw(
    inputs: Mapping[str, list[Path]], setup: Mapping[str, Any], stem: Path, log: logging.Logger
) -> None:
    """Write a figure of steps, `stem`.pdf and `stem`.png.

    Args:
        inputs: `clips` and `observations`, the manifests of the first chunk of a corpus, and
            `snapshots`, the trajectories of each method.
        setup: steps, title and sample_rate.
    """
    snapshots = {names("snapshots", path).method: path for path in inputs["snapshots"]}
    example = iterates(inputs["clips"], inputs["observations"][0], snapshots, setup["steps"])
    figure = steps(
        example.columns["clean"][0],
        example.columns["observed"][0],
        {method: column for method, column in example.columns.items() if method in snapshots},
        setup["steps"],
        setup["sample_rate"],
        title=f"{setup['title']}: {example.clip}",
    )
    save(figure, stem)


def steps(
    clean: np.ndarray,
    observed: np.ndarray,
    iterates: Mapping[str, Iterable[np.ndarray]],
    iterations: Sequence[int],
    sample_rate: int,
    *,
    title: str,
) -> Figure:
    """Spectrograms of iterates: a row per method, a column per number of steps.

    The clean and the observed signal are on the left.

    Levels are in dB re the largest magnitude of the clean clip, from -80 to 0, on one scale. Each
    title states the SNR against the clean clip.

    Args:
        clean: (samples,).
        observed: (samples,).
        iterates: method -> (samples,) for each of `iterations`.
        iterations: numbers of steps, ascending.
        sample_rate: in Hz.
        title: of the figure.
    """
    samples = len(clean)
    transform = ShortTimeFFT(hann(1022, sym=False), hop=max(64, samples // 256), fs=sample_rate)
    peak = np.abs(transform.stft(np.asarray(clean, np.float64))).max() or 1.0
    frames = -(-samples // transform.hop)
    edges = (np.array([0, frames]) - 0.5) * transform.hop / sample_rate  # frames are centred
    rows, across = max(2, len(iterates)), 1 + len(iterations)

    with style():
        figure = new_figure(WIDE, 0.6 + (0.3 + 5.4 / max(4, across)) * rows)
        grid = figure.subplots(rows, across, sharex=True, sharey=True, squeeze=False)
        panels = {(0, 0): ("clean", clean), (1, 0): ("observed", observed)}
        for row, (method, signals) in enumerate(iterates.items()):
            for column, (step, signal) in enumerate(zip(iterations, signals, strict=True), start=1):
                plural = "s" if step > 1 else ""
                panels[row, column] = (f"{method}, {step:,} step{plural}", signal)
        for position, axes in np.ndenumerate(grid):
            if position not in panels:
                axes.remove()
                continue
            label, signal = panels[position]
            signal = np.asarray(signal, np.float64)
            lines = [label] if label == "clean" else [label, snr_text(clean, signal)]
            axes.set_title("\n".join(lines), fontsize=7)
            magnitude = np.abs(transform.stft(signal, 0, frames)) / peak
            image = axes.imshow(
                20 * np.log10(np.maximum(magnitude, 1e-10)),
                origin="lower",
                aspect="auto",
                cmap="magma",
                vmin=FLOOR_DB,
                vmax=0,
                extent=(*edges, 0, sample_rate / 2000),
            )
            below = (position[0] + 1, position[1])
            axes.tick_params(labelbottom=below not in panels, labelleft=position[1] == 0)
            if below not in panels:
                axes.set_xlabel("Time (s)")
        grid[0, 0].set_ylabel("Frequency (kHz)")
        grid[1, 0].set_ylabel("Frequency (kHz)")
        grid[0, 0].set_xlim(0, samples / sample_rate)
        grid[0, 0].set_ylim(0, sample_rate / 2000)
        figure.colorbar(
            image,
            ax=[grid[position] for position in panels],
            label="Level (dB re clean)",
            extend="both",
            aspect=20 * rows,
            pad=0.01,
        )
        figure.suptitle(title)
    return figure
