"""What a study asks for, in numbers, whether or not its recordings are there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dap.data.known import index_file, metadata, receipt_file
from dap.data.weights import declared
from dap.data.weights import receipt_file as receipt_of_weights
from dap.errors import DapError
from dap.study.parts import fits, in_order, samples_of
from dap.study.paths import Names
from dap.study.study import Study
from dap.study.yaml_file import load
from dap.tasks import TASKS

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLE = 4  # bytes, of 32-bit floats


def checkout() -> Path:
    """The folder of the workflow, which is no part of the package.

    Raises:
        DapError: dap was installed without it.
    """
    if not (CHECKOUT / "Snakefile").is_file():
        raise DapError(
            f"{CHECKOUT} has no Snakefile: studies are run from a checkout of this project, so "
            "install dap from one: pip install -e '.[workflow]'"
        )
    return CHECKOUT


def included() -> list[Path]:
    """The studies that come with the project, the demo first.

    Raises:
        DapError: as `checkout`.
    """
    root = checkout()
    return [root / "config.yaml", *sorted((root / "workflow" / "studies").glob("*.yaml"))]


@dataclass(frozen=True)
class Outline:
    """A study in numbers.

    Attributes:
        experiments: their titles.
        fits: of priors; of methods that fit nothing there are none.
        trainings: models to be trained.
        iterations: of the shortest and of the longest fit, or steps of a training.
        widths: of the narrowest and of the widest network.
        bytes: of the products, at most.
        needs: what it is made from, in words.
    """

    name: str
    title: str
    experiments: list[str]
    fits: int
    trainings: int
    iterations: tuple[int, int]
    widths: tuple[float, float]
    bytes: int
    needs: str

    @classmethod
    def of_file(cls, path: Path) -> "Outline":
        """The outline of a study's file, whose recordings need not be there.

        Raises:
            DapError: the study is wrong.
        """
        return cls.of_study(Study(load(path), placed=False))

    @classmethod
    def of_study(cls, study: Study) -> "Outline":
        """The outline of a study."""
        fitted = fitted_chunks(study, in_order(study))
        options = [study.experiments[each.experiment].fit_of(each.method) for each in fitted]
        trained = [each for each in study.experiments.values() if each.learned]
        lengths = [each["iterations"] for each in options]
        lengths += [(each.training or {})["steps"] for each in trained]
        widths = [each["width"] for each in options]
        widths += [(each.training or {})["width"] for each in trained]
        return cls(
            name=study.name,
            title=study["title"] or study.name,
            experiments=[each.title for each in study.experiments.values()],
            fits=sum(fits(study, each) for each in fitted),
            trainings=sum(len(each.learned) * len(each.clips) for each in trained) * study["seeds"],
            iterations=(min(lengths, default=0), max(lengths, default=0)),
            widths=(min(widths, default=0.0), max(widths, default=0.0)),
            bytes=result_bytes(study),
            needs=_needs(study),
        )


def fitted_chunks(study: Study, chunks: Iterable[Names]) -> list[Names]:
    """Those of some chunks that priors are fitted in."""
    return [each for each in chunks if each.method in study.experiments[each.experiment].priors]


def result_bytes(study: Study) -> int:
    """The most that a study's products take on the disk: their sounds, not compressed.

    Tables, figures and logs are small beside them.
    """
    clips = sum(
        count * study["corpora"][corpus]["samples"] for corpus, count in study.clip_counts.items()
    )
    observed = {(each.experiment, each.corpus, each.chunk) for each in in_order(study)}
    total = clips + sum(
        (last - first) * samples_of(study, Names(name, corpus, "", chunk))
        for name, corpus, chunk in observed
        for first, last in [study.span(chunk, study.experiments[name].clips[corpus])]
    )
    for each in in_order(study):
        experiment = study.experiments[each.experiment]
        signals = 1
        if each.method in experiment.priors:
            options = experiment.fit_of(each.method)
            signals = 3  # last, average and stop
            signals += options["snapshots"] + len(options["snapshot_at"])
        outputs = len(TASKS[experiment.task].outputs)
        total += fits(study, each) * samples_of(study, each) * outputs * signals
    return SAMPLE * total


@dataclass(frozen=True)
class Download:
    """What a study takes from the internet, or from a mirror.

    Attributes:
        what: a corpus or a method with trained weights.
        size: in words.
        bytes: of what would be downloaded now, as far as they are published.
        state: where it is.
    """

    what: str
    size: str
    bytes: int
    state: str


def downloads(study: Study) -> list[Download]:
    """The known corpora and trained weights that a study uses.

    Raises:
        DapError: the mirror has them not.
    """
    rows = []
    for name in study.known:
        place = study.location(name)
        known = sum(archive.get("bytes", 0) for archive in _archives(place.sources))
        if Path(index_file(name)).is_file():
            state = "unpacked here"
        elif place.folder:
            state = f"unpacked in {place.folder}"
        elif place.archives:
            state = "packed in the mirror"
        elif place.rendered:
            state = "rendered here"
        elif Path(receipt_file(name)).is_file():
            state = "downloaded, not unpacked"
        else:
            state = "to be downloaded"
        size = metadata(name)["size"]
        rows.append(Download(name, size, known if state == "to be downloaded" else 0, state))
    for method, mirror in study.trained.items():
        size = sum(file["bytes"] for file in (declared(method) or {"files": []})["files"])
        state = "to be downloaded"
        if Path(receipt_of_weights(method)).is_file():
            state = "here"
        elif mirror:
            state = "in the mirror"
        new = size if state == "to be downloaded" else 0
        rows.append(Download(f"weights of {method}", in_words(size), new, state))
    return rows


def _archives(sources: list[dict]) -> list[dict]:
    """The archives of the source that is tried first."""
    return sources[0]["archives"] if sources else []


def in_words(size: float) -> str:
    """A number of bytes.

    >>> in_words(2_748_572_632), in_words(613_000), in_words(12)
    ('2.7 GB', '613 kB', '0 kB')
    """
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    if size >= 1e6:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e3:.0f} kB"


def _needs(study: Study) -> str:
    """What the study's corpora are made from, in words."""
    needs = []
    for entry in study["corpora"].values():
        if "archive" in entry:
            known = metadata(entry["archive"])
            if not known.get("rendered") and not _archives(known["sources"]):
                needs.append("mirror=PATH")
            needs.append("a sound font" if known.get("rendered") else entry["archive"])
        elif "folder" in entry:
            keys = re.findall(r"\{(recordings|mirror)\}", entry["folder"])
            needs += [f"{key}=PATH" for key in keys] or [entry["folder"]]
    weights = [
        f"the weights of {name}" for each in study.experiments.values() for name in each.trained
    ]
    return ", ".join(dict.fromkeys([*needs, *weights])) or "nothing: its audio is synthetic"
