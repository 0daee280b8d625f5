"""B's Figure 2: power over spatial frequency, of spectrograms and of waveforms, with slopes."""

import logging
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from dap.errors import extra
from dap.reporting.figures.style import WIDE, new_figure, plain_ticks, save, style
from dap.reporting.power_spectra import Spectrum, of_chunks
from dap.store import write_text
from dap.study.paths import names

with extra("report"):
    import pandas as pd
    from matplotlib.figure import Figure


LINES = {"clean": "#0072B2", "observed": "#D55E00"}
AXES = {
    "spectrogram": "Spatial frequency (cycles per pixel)",
    "waveform": "Frequency (cycles per sample)",
}
COLUMNS = (
    "corpus",
    "signal",
    "of",
    "slope",
    "intercept",
    "r_squared",
    "clips",
    "lowest",
    "highest",
)


def draw(
    inputs: Mapping[str, list[Path]], setup: Mapping[str, Any], stem: Path, log: logging.Logger
) -> None:
    """Write the figure, `stem`.pdf and `stem`.png, and `stem`.csv with the slopes.

    Args:
        inputs: `clips` and `observations`, all manifests of an experiment.
        setup: clips (corpus -> how many), spectrogram, title, and names (corpus -> its true name).
    """
    spectra: dict[tuple[str, str, str], Spectrum] = {}
    for corpus, count in setup["clips"].items():
        for version, product in (("clean", "clips"), ("observed", "observations")):
            manifests = [path for path in inputs[product] if names(product, path).corpus == corpus]
            images, waveforms = of_chunks(manifests, count, setup["spectrogram"])
            spectra[corpus, "spectrogram", version] = images
            spectra[corpus, "waveform", version] = waveforms
            log.info("%s, %s: %d clips", corpus, version, waveforms.signal_count)
    save(statistics(spectra, title=setup["title"], names=setup["names"]), stem)
    text = slopes(spectra).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_text(stem.with_name(f"{stem.name}.csv"), text)


def statistics(
    spectra: Mapping[tuple[str, str, str], Spectrum],
    *,
    title: str,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Mean power on logarithmic axes, with the fitted power law dashed: a row per corpus.

    Args:
        spectra: (corpus, "spectrogram" or "waveform", "clean" or "observed") -> its spectrum.
        title: of the figure.
        names: corpus -> its true name.
    """
    corpora = list(dict.fromkeys(corpus for corpus, _, _ in spectra))
    with style():
        figure = new_figure(WIDE, 0.5 + 2.7 * len(corpora))
        grid = figure.subplots(len(corpora), len(AXES), squeeze=False)
        for row, corpus in zip(grid, corpora, strict=True):
            for axes, (signal, label) in zip(row, AXES.items(), strict=True):
                for version, colour in LINES.items():
                    spectrum = spectra[corpus, signal, version]
                    # power has an arbitrary unit: only its fall matters
                    level = spectra[corpus, signal, "clean"].power[0]
                    axes.plot(
                        spectrum.frequency,
                        spectrum.power / level,
                        color=colour,
                        linewidth=1.6,
                        label=(
                            f"{version}, slope {spectrum.slope:.2f} (R² {spectrum.r_squared:.2f})"
                        ).replace("-", "\N{MINUS SIGN}"),
                    )
                    axes.plot(
                        spectrum.frequency,
                        spectrum.fitted() / level,
                        color=colour,
                        linewidth=0.9,
                        linestyle="--",
                    )
                true = (names or {}).get(corpus, corpus)
                plural = "s" if spectrum.signal_count > 1 else ""
                heading = fill(f"{signal}s: {true}", 44)
                axes.set_title(f"{heading}\nn = {spectrum.signal_count:,} clip{plural}")
                axes.set_xscale("log")
                axes.set_yscale("log")
                axes.set_xlabel(label)
                plain_ticks(axes.xaxis, "{x:g}")
                axes.grid(color="#DDDDDD", linewidth=0.5)
                axes.set_axisbelow(True)
                axes.legend(frameon=False, fontsize=7)
            row[0].set_ylabel("Mean power (re clean, lowest frequency)")
        figure.suptitle(title)
        figure.supxlabel(
            "Natural images, which paper B shows beside these, are left out.", fontsize=7
        )
    return figure


def slopes(spectra: Mapping[tuple[str, str, str], Spectrum]) -> pd.DataFrame:
    """The fitted power laws as a table, a row per spectrum.

    Returns:
        columns corpus, signal, of, slope, intercept (log10 of the power at a frequency of 1),
        r_squared, clips, and the lowest and highest frequency that were fitted, in cycles per pixel
        or sample.
    """
    rows = [
        (
            *key,
            spectrum.slope,
            spectrum.intercept,
            spectrum.r_squared,
            spectrum.signal_count,
            spectrum.frequency[0],
            spectrum.frequency[-1],
        )
        for key, spectrum in spectra.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
