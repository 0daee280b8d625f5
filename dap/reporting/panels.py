"""The sounds of a report: a panel for each experiment, with a few clips of each corpus."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dap.reporting.listening import Example, load
from dap.reporting.sounds import data_uri, flac, matched
from dap.study.paths import names

MOST_BYTES = 16 * 10**6  # of all sounds of a page; a page has a third more, in base64


def panels(
    experiments: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any],
    most_bytes: int = MOST_BYTES,
) -> tuple[list[dict[str, Any]], str]:
    """The sounds of each experiment, as FLAC at matched loudness.

    The first clip of every corpus comes first, then every second one, and so on, until the next
    one would exceed `most_bytes`.

    Args:
        experiments: those of `dap.study.presentation.report.report_setup`.
        config: the study.

    Returns:
        for each experiment with a clip: name, title, sample_rate, clips and left_out (how many
        have no room). A clip, of separation one of its sources, has corpus, clip, source, title,
        gaps (start and end in seconds) and versions: label, kind ("clean", "observed" or
        "method"), gain_db (how much louder it is played than it is) and audio, a data URI.
        Also the sha256 of all, by which votes on these sounds are told from others.
    """
    queues = {experiment["name"]: _queues(experiment, config) for experiment in experiments}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in queues}
    left_out = dict.fromkeys(queues, 0)
    digest, total, full = hashlib.sha256(), 0, False
    rounds = max((len(queue) for several in queues.values() for queue in several), default=0)
    for rank in range(rounds):
        for name, several in queues.items():
            for clips in (queue[rank] for queue in several if rank < len(queue)):
                sizes = [len(version["flac"]) for clip in clips for version in clip["versions"]]
                full = full or total + sum(sizes) > most_bytes
                if full:
                    left_out[name] += 1
                    continue
                total += sum(sizes)
                for clip in clips:
                    found[name].append(_encoded(clip, name, digest))
    shown = [
        {
            "name": experiment["name"],
            "title": experiment["title"],
            "sample_rate": config["sample_rate"],
            "clips": found[experiment["name"]],
            "left_out": left_out[experiment["name"]],
        }
        for experiment in experiments
        if found[experiment["name"]]
    ]
    return shown, digest.hexdigest()


def _encoded(clip: dict[str, Any], experiment: str, digest: Any) -> dict[str, Any]:
    versions = []
    for version in clip["versions"]:
        content = version.pop("flac")
        digest.update("\n".join([experiment, clip["title"], version["label"]]).encode() + content)
        versions.append(version | {"audio": data_uri("audio/flac", content)})
    return clip | {"versions": versions}


def _queues(
    experiment: Mapping[str, Any], config: Mapping[str, Any]
) -> list[list[list[dict[str, Any]]]]:
    """Of each corpus its clips in order; a clip is a list, since it may have several sources."""
    return [
        [
            list(_versions(example, experiment, corpus, config))
            for files in chunks
            for example in load(
                [Path(path) for path in files["clips"]],
                Path(files["observations"][0]),
                {names("fits", path).method: Path(path) for path in files["fits"]},
                task=experiment["task"],
                sample_rate=config["sample_rate"],
                most=files["most"],
            )
        ][: experiment["most_examples"]]
        for corpus, chunks in experiment["examples"].items()
    ]


def _versions(
    example: Example, experiment: Mapping[str, Any], corpus: str, config: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """An example, source by source."""
    titles = [config["corpora"][part]["title"] for part in experiment["parts"][corpus]]
    for index in range(max(1, len(example.sources))):
        signals = {
            # a mixture stands for every source
            label: np.asarray(several[min(index, len(several) - 1)], np.float64)
            for label, several in example.columns.items()
        }
        gains = matched(signals, config["sample_rate"])
        source = example.sources[index] if example.sources else ""
        of = f", {titles[index]}" if source else ""
        yield {
            "corpus": corpus,
            "clip": example.clip,
            "source": source,
            "title": f"{' + '.join(titles)}: {example.clip}{of}",
            "gaps": example.gaps,
            "versions": [
                {
                    "label": label,
                    "kind": label if label in ("clean", "observed") else "method",
                    "gain_db": round(20 * float(np.log10(gains[label])), 1),
                    "flac": flac(gains[label] * signal, config["sample_rate"]),
                }
                for label, signal in signals.items()
            ],
        }
