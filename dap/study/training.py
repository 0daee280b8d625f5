"""What an experiment that trains its priors may ask for, checked before any job.

Light on purpose: the Snakefile and every cluster job parse it.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from dap.data.folders import listing
from dap.errors import DapError
from dap.options import TrainingOptions
from dap.plugins import plugins
from dap.study.outputs import require
from dap.tasks import TASKS

SOURCE = ("synthetic", "folder", "archive", "files")  # the keys that say which recordings there are


def check_training(
    where: str,
    entry: Mapping,
    corpora: Mapping[str, Mapping],
    task: str,
    files: Mapping[str, Collection[str]],
) -> None:
    """Check an experiment's `training` against the rest of it, and against the study's corpora.

    Args:
        files: by corpus, the real paths of its recordings, where these are known before any job.

    Raises:
        DapError: the message names the key, the value and what is allowed.
    """
    training = entry["training"]
    if TASKS[task].sources == 1:
        raise DapError(f"{where}.training: is for the task separate, not {task}: take it out")
    options = {key: value for key, value in training.items() if key != "corpora"}
    TrainingOptions(**options)
    for name in training["corpora"]:
        require(f"{where}.training.corpora", name, corpora)
        samples = corpora[name]["samples"]
        if samples < training["samples"]:
            raise DapError(
                f"{where}.training.samples is {training['samples']}, and the clips of {name} have "
                f"{samples}: a mixture is at most as long as the clips it is cut from"
            )
    for pair in entry["corpora"]:
        target, holdout = pair.split("+")
        require(f"{where}.training.corpora", target, training["corpora"])
        sharing = {
            name
            for name in training["corpora"]
            if _same(corpora[name], corpora[holdout])
            or set(files.get(name, ())) & set(files.get(holdout, ()))
        }
        if target in sharing:
            raise DapError(
                f"{where}.corpora: {pair}: {holdout} has recordings of {target}: the target "
                "cannot be held out"
            )
        if others := sorted(sharing - {holdout}):
            raise DapError(
                f"{where}.training.corpora: {others[0]} has recordings of {holdout}, which "
                f"{pair} holds out: name it once"
            )
        if not set(training["corpora"]) - {target, holdout}:
            raise DapError(
                f"{where}.training.corpora: without {holdout}, which {pair} holds out, nothing is "
                f"left to mix {target} with: name a third"
            )
    if entry["selections"] != ["last"]:
        raise DapError(
            f"{where}.selections is {entry['selections']}: trained models have no iterates, write "
            "selections: [last]"
        )
    for method in entry["methods"]:
        prior = plugins("priors").get(method)
        if prior and prior.metadata.get("domain") == "waveform":
            raise DapError(
                f"{where}.methods: {method} is of waveforms, and what is trained gives a mask of a "
                "spectrogram: take it out"
            )
    if entry["fit"]:
        raise DapError(
            f"{where}.fit: nothing is fitted where priors are trained: write it in training"
        )


def real_paths(corpora: Mapping[str, Mapping]) -> dict[str, set[str]]:
    """By corpus, the real paths of its recordings, of those that lie in a folder."""
    return {
        name: {
            str(Path(entry["folder"], file).resolve())
            for file in listing(entry["folder"], entry["files"])
        }
        for name, entry in corpora.items()
    }


def _same(one: Mapping, other: Mapping) -> bool:
    """Whether two corpora have the same recordings; synthetic ones are drawn by their names."""
    if "synthetic" in one:
        return one is other
    return all(one.get(key) == other.get(key) for key in SOURCE)
