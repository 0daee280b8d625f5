"""Waveform and spectrograms of one restored clip."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from dap.errors import extra
from dap.reporting.figures.style import COLUMN, FLOOR_DB, WIDE, new_figure, save, snr_text, style
from dap.reporting.listening import load
from dap.study.paths import names

with extra("report"):
    from matplotlib.figure import Figure

COLUMNS_IN_A_ROW = 5  # with more, the methods' names do not fit


def draw(
    inputs: Mapping[str, list[Path]], setup: Mapping[str, Any], stem: Path, log: logging.Logger
) -> None:
    """Write an example, `stem`.pdf and `stem`.png.

    Args:
        inputs: `clips`, `observations` and `fits`, the manifests of the first chunk of a corpus.
        setup: task, title and sample_rate.
    """
    (example,) = load(
        inputs["clips"],
        inputs["observations"][0],
        {names("fits", path).method: path for path in inputs["fits"]},
        task=setup["task"],
        sample_rate=setup["sample_rate"],
    )
    figure = examples(
        example.columns,
        setup["sample_rate"],
        title=f"{setup['title']}: {example.clip}" + ", only its gaps filled" * bool(example.gaps),
        gaps=example.gaps,
        sources=example.sources or None,
    )
    save(figure, stem)


def examples(
    columns: Mapping[str, np.ndarray],
    sample_rate: int,
    *,
    title: str,
    gaps: Sequence[tuple[float, float]] | None = None,
    sources: Sequence[str] | None = None,
) -> Figure:
    """Waveforms above log-magnitude spectrograms: a column per signal, two rows per source.

    Levels are in dB re the largest magnitude of the first column, over all of its sources, from
    -80 to 0; scales are shared over the figure. If the first column is called "clean", the titles
    of the others state their SNR against it.

    Args:
        columns: label -> (sources, samples); (1, samples) stands for every source, as a mixture.
        sample_rate: in Hz.
        title: of the figure.
        gaps: (start, end) in seconds, shaded.
        sources: the sources' names, where there are several.
    """
    first = next(iter(columns))
    reference = np.asarray(columns[first], np.float64)
    count, samples = reference.shape
    signals = {
        label: np.broadcast_to(np.asarray(signal, np.float64), reference.shape)
        for label, signal in columns.items()
    }
    # one window and hop for all columns; longer clips get longer hops, not larger files
    transform = ShortTimeFFT(hann(1022, sym=False), hop=max(64, samples // 512), fs=sample_rate)
    peak = np.abs(transform.stft(reference)).max() or 1.0
    frames = math.ceil(samples / transform.hop)
    seconds, kilohertz = samples / sample_rate, sample_rate / 2000
    edges = (np.array([0, frames]) - 0.5) * transform.hop / sample_rate  # frames are centred
    loudest = 1.05 * max(np.abs(signal).max() for signal in signals.values()) or 1.0

    with style():
        blocks = math.ceil(len(signals) / COLUMNS_IN_A_ROW)
        across = math.ceil(len(signals) / blocks)
        figure = new_figure(COLUMN if across < 3 else WIDE, 0.5 + 2.2 * count * blocks)
        grid = figure.subplots(
            2 * count * blocks,
            across,
            sharex=True,
            sharey="row",
            squeeze=False,
            height_ratios=[1, 1.7] * count * blocks,
        )
        # (blocks, rows, across) -> a column of axes for each signal, block after block
        stacks = grid.reshape(blocks, -1, across).transpose(0, 2, 1).reshape(-1, 2 * count)
        for spare in stacks[len(signals) :].ravel():
            spare.remove()
        for (label, signal), axes in zip(signals.items(), stacks, strict=False):
            for source, (wave, spectrogram) in enumerate(axes.reshape(count, 2)):
                lines = [label] if source == 0 else []
                if first == "clean" and label != first:
                    lines.append(snr_text(reference[source], signal[source]))
                wave.set_title("\n".join(lines), fontsize=7)
                times = np.arange(samples) / sample_rate
                wave.plot(times, signal[source], color="#333333", linewidth=0.4)
                magnitude = np.abs(transform.stft(signal[source], 0, frames)) / peak
                image = spectrogram.imshow(
                    20 * np.log10(np.maximum(magnitude, 1e-10)),
                    origin="lower",
                    aspect="auto",
                    cmap="magma",
                    vmin=FLOOR_DB,
                    vmax=0,
                    extent=(*edges, 0, kilohertz),
                )
                for start, end in gaps or ():
                    wave.axvspan(start, end, color="#0072B2", alpha=0.2, linewidth=0)
                    spectrogram.axvspan(start, end, color="white", alpha=0.12, linewidth=0)
                    for edge in (start, end):
                        spectrogram.axvline(edge, color="white", linewidth=0.6, linestyle=":")
        for row, axes in enumerate(grid):
            name = f"{sources[row // 2 % count]}\n" if sources and count > 1 else ""
            axes[0].set_ylabel(f"{name}{('Amplitude', 'Frequency (kHz)')[row % 2]}")
            axes[0].set_ylim((-loudest, loudest) if row % 2 == 0 else (0, kilohertz))
        for axes in stacks[: len(signals), -1]:
            axes.set_xlabel("Time (s)")
            axes.set_xlim(0, seconds)
            axes.tick_params(labelbottom=True)
        figure.align_ylabels(grid[:, 0])
        figure.colorbar(
            image,
            ax=stacks[: len(signals), 1 if count * blocks == 1 else 0 :].ravel().tolist(),
            label=f"Level (dB re {first})",
            extend="both",
            aspect=30 * count * blocks,
            pad=0.01,
        )
        figure.suptitle(title)
    return figure
