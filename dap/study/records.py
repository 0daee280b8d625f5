"""What a finished chunk was made of: the record by which parts of a study are compared.

A record holds all of the study that its numbers depend on, digests of the code that made them
(`dap.study.code_hash`), and of the clips and observations. Two chunks belong to one study's results
if their records agree wherever both say something.

Light on purpose: the Snakefile and every cluster job parse it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dap.data.skipped import SKIPPED
from dap.errors import DapError
from dap.plugins import plugins
from dap.store import verified
from dap.study import params as depends
from dap.study.code_hash import FORMAT, Code
from dap.study.paths import Names
from dap.study.study import Study

FORM = 1
SECTIONS = ("setup", "code", "data")
# the rules of the stages up to scores: script, and the plugins that a job loads
STAGES: dict[str, tuple[str, Callable[..., list[str]]]] = {
    "clips": ("clips.py", depends.clip_modules),
    "observations": ("observations.py", depends.observation_modules),
    "fit": ("fit.py", depends.fit_modules),
    "baseline": ("baseline.py", depends.baseline_modules),
    "score": ("score.py", depends.score_modules),
}
# what all numbers of a study depend on
COMMON = ("study", "seed", "sample_rate", "threads", "clips_per_job", "spectrogram")
# of a corpus's entry; where its recordings lie is no matter, since clips are compared
CORPUS = ("synthetic", "archive", "files", "samples", "level", "window", "speech")


def made_of(study: Study, code: Code, chunk: Names) -> dict[str, dict[str, dict]]:
    """What the numbers of a chunk depend on here and now, beside the recordings.

    Returns:
        "setup", the keys of the study (`setup_of`), and "code", digests by module, both by what
        they are of, such as "experiments.denoise.fit.conv".
    """
    experiment, corpus, method, _ = chunk
    entry = study.experiments[experiment]
    made: dict[str, dict[str, tuple[str, ...]]] = {
        "clips": {name: ("clips", name) for name in entry.parts(corpus)},
        "observations": {experiment: ("observations", experiment)},
    }
    fit = ("fit", experiment, method) if method in plugins("priors") else ("baseline", method)
    made["fits"] = {f"{experiment}.{method}": fit}
    made["scores"] = {f"{experiment}.{corpus}.{method}": ("score", experiment, corpus, method)}
    digests = {
        f"{product}.{name}": _digests(study, code, *stage)
        for product, stages in made.items()
        for name, stage in stages.items()
    }
    return {"setup": setup_of(study, chunk), "code": json.loads(json.dumps(digests))}


def setup_of(study: Study, chunk: Names) -> dict[str, dict]:
    """The keys of the study that the numbers of a chunk depend on, as they are now."""
    experiment, corpus, method, _ = chunk
    entry = study.experiments[experiment]
    corpora = [*entry.parts(corpus), *filter(None, [entry.corruption.get("noise")])]
    where = f"experiments.{experiment}"
    setup = {"study": {key: study[key] for key in COMMON}}
    for name in corpora:
        values = study["corpora"][name]
        setup[f"corpora.{name}"] = {key: values[key] for key in CORPUS if key in values}
    setup[f"{where}.corruption"] = dict(entry.corruption)
    setup[where] = {"selections": entry.selections}
    # those of speech are none of another corpus's
    setup[f"{where}.{corpus}"] = {"metrics": depends.score_metrics(study, experiment, corpus)}
    if method in plugins("priors"):
        setup[f"{where}.fit.{method}"] = {
            "seeds": study["seeds"],
            **depends.fit_setup(study, experiment, method)["fit"],
        }
        setup[f"{where}.trajectory"] = depends.score_trajectory(study, experiment, method)
    return json.loads(json.dumps(setup))


@cache
def _digests(study: Study, code: Code, stage: str, *names: str) -> dict[str, str]:
    script, modules = STAGES[stage]
    digests = code.digests(f"workflow/scripts/{script}", *modules(study, *names))
    return {"format": f"{FORMAT}", **digests}


def read_record(path: Path) -> dict[str, Any]:
    """A record.

    Raises:
        DapError: it is torn, or of a form that this version does not know.
    """
    try:
        record = json.loads(verified(path).read_text(encoding="utf-8"))
        form = record["form"]
        chunk = Names(*(record["chunk"][name] for name in Names._fields))
        files = record["files"]
        complete = all(isinstance(record[name], dict) for name in SECTIONS)
        numbers = isinstance(record["seconds"], int | float) and isinstance(record["cpu"], str)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DapError(
            f"{path}: is no record of a chunk, or a damaged one: leave it out"
        ) from error
    if form != FORM:
        raise DapError(f"{path}: is of form {form}, and this version reads form {FORM}")
    if not (complete and numbers and isinstance(files, dict) and all(chunk)):
        raise DapError(f"{path}: is no record of a chunk, or a damaged one: leave it out")
    return record


def has_all_clips(study: Study, chunk: Names, record: Mapping[str, Any]) -> bool:
    """Whether a finished chunk has as many clips as the study has there by now.

    The last chunk of a study has fewer, until the study has more; and a chunk has fewer where
    recordings or noise could not be used, which its files say.
    """
    first, last = study.span(chunk.chunk, study.experiments[chunk.experiment].clips[chunk.corpus])
    clips = sum(name.startswith("observations/") for name in record["data"])
    return clips >= last - first or any(name.endswith(SKIPPED) for name in record["files"])


def chunk_of(record: Mapping[str, Any]) -> Names:
    """Which chunk a record is of."""
    return Names(**record["chunk"])


class Agreement:
    """What a study's chunks were made of, as far as records have said it.

    Args:
        remedy: what to do about a difference, for messages.
    """

    def __init__(self, remedy: str) -> None:
        self.remedy = remedy
        self._said: dict[tuple[str, str], tuple[dict, str]] = {}

    def add(
        self, record: Mapping[str, Any], source: str, sections: Iterable[str] = SECTIONS
    ) -> None:
        """Add a record.

        Args:
            source: what the record is called in messages.
            sections: those that are compared.

        Raises:
            DapError: it differs from one that was added before; the message names the key.
        """
        for section in sections:
            for group, values in record.get(section, {}).items():
                said, first = self._said.setdefault((section, group), (values, source))
                if values != said:
                    differs = _difference(section, group, (said, first), (values, source))
                    raise DapError(f"{differs}: {self.remedy}")


def _difference(section: str, group: str, one: tuple[dict, str], two: tuple[dict, str]) -> str:
    (first, source), (second, other) = one, two
    key = next(key for key in sorted({*first, *second}) if first.get(key) != second.get(key))
    values = [json.dumps(each[key]) if key in each else "not there" for each in (first, second)]
    name = {"setup": f"{group}.{key}".removeprefix("study."), "code": f"{key} ({group})"}.get(
        section, f"{group}/{key}"
    )
    differs = {"setup": "the study's key", "code": "the code of", "data": "the sha256 of"}[section]
    return f"{other}: {differs} {name} is {values[1]}, and {values[0]} in {source}"
