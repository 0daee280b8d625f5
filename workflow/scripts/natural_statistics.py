"""Power over spatial frequency of clean clips and of their observations."""

from pathlib import Path

from dap.reporting import power_spectra as natural_statistics
from dap.reporting.figures import curves as figures
from dap.reporting.figures.power_spectra import slopes, statistics
from dap.runtime.joblog import job
from dap.store import read_checked_signal, read_rows, write_bytes


def signals(manifests, count):
    """The signals that some manifests list, the first `count` of them, one at a time."""
    listed = [(Path(path).parent, row) for path in manifests for row in read_rows(Path(path))]
    for folder, row in listed[:count]:
        yield read_checked_signal(folder, row["file"], row["sha256"])


with job(snakemake.log[0]) as log:
    setup = snakemake.params.setup
    spectra = {}
    for corpus, count in setup["cells"].items():
        kinds = {"clean": snakemake.input.clips, "observed": snakemake.input.observations}
        for of, manifests in kinds.items():
            own = [path for path in manifests if Path(path).parent.parent.name == corpus]
            images = natural_statistics.spectrograms(signals(own, count), setup["spectrogram"])
            spectra[corpus, "spectrogram", of] = natural_statistics.of_images(images)
            spectra[corpus, "waveform", of] = natural_statistics.of_signals(signals(own, count))
            log.info("%s, %s: %d clips", corpus, of, spectra[corpus, "waveform", of].count)
    figure = statistics(spectra, title=setup["title"], names=setup["names"])
    figures.save(figure, Path(snakemake.output.pdf.removesuffix(".pdf")))
    text = slopes(spectra).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    write_bytes(Path(snakemake.output.csv), text.encode())
