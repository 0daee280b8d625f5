"""A study: its YAML checked against the schema and against the names that exist, and its chunks.

Light on purpose: the Snakefile and every cluster job parse it.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from dap.data import known as archives
from dap.data.catalogue import Draw, draws
from dap.data.folders import listing
from dap.data.weights import mirrored
from dap.errors import DapError
from dap.options import FitOptions, with_preset
from dap.plugin_literals import shown
from dap.plugins import own_fit, plugins, use
from dap.study.experiment import Experiment
from dap.study.methods import check_input, check_iterations, check_methods
from dap.study.outputs import check, require
from dap.study.paths import Paths
from dap.study.places import Places
from dap.study.schema import corruption_options, typed_corruption, validated
from dap.study.training import check_training, real_paths
from dap.tasks import SELECTIONS, TASKS

MOST_SNAPSHOTS = 40  # of a fit: they are as long as the clip each


class Study:
    """A checked study.

    Its plugins are found from then on, by this process and by those that it starts: by all jobs.

    Args:
        config: the YAML's content, overrides included.
        mirrored: whether the mirror can be seen. A cluster's nodes need not, where it has archives.
        unfinished: whether tables show what is there already, and no more.
        placed: whether the corpora have to be there; where they need not, their clips are unknown.

    Raises:
        DapError: it is wrong; the message names the key, the value and what is allowed.
    """

    def __init__(
        self,
        config: dict,
        *,
        mirrored: bool = True,
        unfinished: bool = False,
        placed: bool = True,
    ):
        self.config = validated(config)
        self.places = Places(self.paths, unfinished=unfinished)
        use(self.config["plugins"])
        self._mirrored = mirrored
        self._locations: dict[str, archives.Location] = {}
        self._check_spectrogram()
        self._check_corpora(placed)
        self._placed = placed
        self.experiments = {
            name: self._experiment(name, entry)
            for name, entry in self.config["experiments"].items()
        }
        check(self.config, self.experiments)
        if placed:
            _ = self.trained  # refused here, if the mirror lacks some

    def __getitem__(self, key: str) -> Any:
        return self.config[key]

    @property
    def name(self) -> str:
        """The study's name."""
        return self.config["study"]

    @cached_property
    def paths(self) -> Paths:
        """Where its products lie."""
        return Paths.of(self.name)

    def corpus(self, name: str) -> dict:
        """A corpus's entry, its folder with {recordings} and {mirror} put in.

        That of a known corpus has its folder and its index, which may not be there yet.
        """
        entry = self.config["corpora"][name]
        if "archive" in entry:
            known = entry["archive"]
            folder = self.location(known).folder or archives.folder(known)
            return entry | {"folder": folder, "index": archives.index_file(known)}
        return entry | {"folder": self._folder(entry)} if "folder" in entry else entry

    def indexed(self, name: str) -> bool:
        """Whether a corpus's recordings are listed by its index alone, not before any job."""
        return "archive" in self.config["corpora"][name]

    @cached_property
    def known(self) -> list[str]:
        """The known corpora that the experiments use, for clips or for noise."""
        corruptions = [experiment.corruption for experiment in self.experiments.values()]
        noises = {corruption["noise"] for corruption in corruptions if corruption.get("noise")}
        entries = [self.config["corpora"][name] for name in {*self.clip_counts, *noises}]
        return sorted({entry["archive"] for entry in entries if "archive" in entry})

    def location(self, known: str) -> archives.Location:
        """Where a known corpus comes from."""
        if known not in self._locations:
            self._locations[known] = archives.locate(known, self._mirror, seen=self._mirrored)
        return self._locations[known]

    @cached_property
    def trained(self) -> dict[str, list[str]]:
        """The trained methods that the study uses or feeds, with their files in the mirror.

        Raises:
            DapError: the mirror has them not.
        """
        names = {name for each in self.experiments.values() for name in each.trained}
        mirror = self._mirror if self._mirrored else None
        return {name: mirrored(name, mirror) if mirror else [] for name in sorted(names)}

    @property
    def sound_font(self) -> str | None:
        """The .sf2 file that solos are rendered from; None is the system's."""
        font = self.config["sound_font"]
        return _expanded(font) if font else None

    @cached_property
    def _mirror(self) -> str | None:
        mirror = self.config["mirror"]
        if mirror and {"{", "}"} & set(mirror):
            raise DapError(
                f"mirror {mirror!r}: Snakemake takes what is in braces for a wildcard; rename "
                "the folder, or link to it by another name"
            )
        return _expanded(mirror) if mirror else None

    def _folder(self, entry: dict) -> str:
        def value(key: re.Match) -> str:
            if not self.config[key[1]]:
                raise DapError(
                    f"folder is {entry['folder']!r}, and {key[1]} is not set: add --config "
                    f"{key[1]}=PATH"
                )
            return str(self.config[key[1]]).rstrip("/")

        # at once, since a folder that is put in may have braces of its own
        return _expanded(re.sub(r"\{(recordings|mirror)\}", value, entry["folder"]))

    def _places(self, entry: dict) -> dict[str, str]:
        """What says where a corpus's recordings are, for messages."""
        if "archive" in entry:
            return {"mirror": self.config["mirror"]}
        return {key: entry[key] for key in ("folder", "files")}

    def _check_spectrogram(self) -> None:
        self._check_hop("spectrogram", self["spectrogram"]["hop_length"])

    def _check_hop(self, where: str, hop_length: int) -> None:
        n_fft = self["spectrogram"]["n_fft"]
        if hop_length > n_fft // 2:
            raise DapError(
                f"{where}.hop_length is {hop_length}: must be at most n_fft / 2 = {n_fft // 2}"
            )

    def _check_corpora(self, placed: bool) -> None:
        known = plugins("synthetic")
        for name, entry in self.config["corpora"].items():
            where = f"corpora.{name}"
            if sum(kind in entry for kind in ("synthetic", "folder", "archive")) != 1:
                raise DapError(f"{where}: needs one of `synthetic`, `folder` and `archive`")
            if "synthetic" in entry:
                require(f"{where}.synthetic", entry["synthetic"], known)
                if not name.startswith("synthetic-"):
                    raise DapError(
                        f"{where}: the name of a synthetic corpus starts with synthetic-"
                    )
                continue
            if "archive" in entry:
                require(f"{where}.archive", entry["archive"], plugins("archives"))
                metadata = archives.metadata(entry["archive"])
                for key in ("licence", "citation"):
                    entry[key] = entry[key] or metadata[key]
            if not placed:
                continue
            try:
                if "archive" in entry:
                    self.location(entry["archive"])
                else:
                    listing(self.corpus(name)["folder"], entry["files"])
            except DapError as error:
                raise DapError(f"{where}: {error}") from error
            except (OSError, ValueError) as error:  # a name that is too long; a glob that is none
                parts = (f"{key} {value!r}" for key, value in self._places(entry).items())
                raise DapError(
                    f"{where}: {', '.join(parts)}: cannot be looked through: "
                    f"{getattr(error, 'strerror', None) or error}"
                ) from error

    def _experiment(self, name: str, entry: dict) -> Experiment:
        where = f"experiments.{name}"
        kind = entry["corruption"]["kind"]
        require(f"{where}.corruption.kind", kind, plugins("corruptions"))
        declared = plugins("corruptions")[kind]
        task = declared.metadata["task"]
        sources = TASKS[task].sources
        if "noise" in declared.metadata["options"]:
            noise = entry["corruption"].get("noise")
            require(f"{where}.corruption.noise", noise, self.config["corpora"])
        entry["corruption"] = typed_corruption(f"{where}.corruption", entry["corruption"], declared)
        corruption = corruption_options(f"{where}.corruption", entry["corruption"], declared)
        speech = [name for name, corpus in self.config["corpora"].items() if corpus["speech"]]
        rate = self["sample_rate"]
        check_methods(where, entry, task=task, kind=kind, rate=rate, speech=speech)
        for method in entry["fits"]:
            fitted = [name for name in entry["methods"] if name in plugins("priors")]
            require(f"{where}.fits", method, fitted)
        own = {method: _own_fit(method, task) for method in entry["methods"]}
        entry["fits"] = {
            method: own[method] | entry["fits"].get(method, {})
            for method in entry["methods"]
            if own[method] or method in entry["fits"]
        }
        known_metrics = plugins("metrics")
        for metric in entry["metrics"]:
            require(f"{where}.metrics", metric, known_metrics)
            rates = known_metrics[metric].metadata.get("sample_rates", [self["sample_rate"]])
            if self["sample_rate"] not in rates:
                raise DapError(
                    f"{where}.metrics: {metric} needs a sample_rate of "
                    f"{' or '.join(map(str, rates))}, not {self['sample_rate']}"
                )
            if known_metrics[metric].metadata.get("joint") and sources == 1:
                raise DapError(f"{where}.metrics: {metric} is for the task separate alone")
        for selection in entry["selections"]:
            require(f"{where}.selections", selection, SELECTIONS)
        baselines = [name for name in entry["methods"] if name in plugins("baselines")]
        if baselines and "last" not in entry["selections"]:
            raise DapError(
                f"{where}.selections: {baselines[0]} has last alone, which is not among them: "
                "add it"
            )
        for corpus in entry["corpora"]:
            names = [corpus] if sources == 1 else corpus.split("+")
            if sources > 1 and (len(names) != sources or len(set(names)) < sources):
                raise DapError(f"{where}.corpora: {corpus!r} is not a pair of corpora: write a+b")
            for part in names:
                require(f"{where}.corpora", part, self.config["corpora"])
            lengths = {self.config["corpora"][part]["samples"] for part in names}
            if len(lengths) > 1:
                raise DapError(f"{where}.corpora: {corpus}: `samples` differ: {sorted(lengths)}")
        for corpus in entry["clips"]:
            require(f"{where}.clips", corpus, entry["corpora"])
        if "training" in entry:
            corpora = self.config["corpora"]
            folders = [each for each in corpora if self._placed and "folder" in corpora[each]]
            files = real_paths({each: self.corpus(each) for each in folders})
            check_training(where, entry, corpora, task, files)
        fit = {**self.config["fit"], **entry["fit"]}
        _check_snapshots(f"{where}.fit", fit)
        check_iterations(where, entry, fit)
        _check_stop(where, entry, fit)
        check_input(where, entry, fit, task=task, kind=kind, rate=rate, speech=speech)
        for method in filter(plugins("priors").__contains__, entry["methods"]):
            hop_length = (fit | entry["fits"].get(method, {}))["hop_length"]
            self._check_hop(f"{where}.fits.{method}", hop_length)
        for method, override in entry["fits"].items():
            _check_snapshots(f"{where}.fits.{method}", {**fit, **override})
        return Experiment(
            name=name,
            title=entry["title"] or name,
            task=task,
            corruption=corruption,
            clips={
                corpus: entry["clips"].get(corpus, self.config["clips"])
                for corpus in entry["corpora"]
            },
            methods=entry["methods"],
            metrics=entry["metrics"],
            selections=entry["selections"],
            fit=fit,
            fits=entry["fits"],
            training=entry.get("training"),
            speech=speech,
        )

    def trajectory(self, experiment: str) -> dict[str, list[str]]:
        """The metrics that figures and claims need of each snapshot, by what they are against.

        The task's quality against the clean clip is always known, and not listed.
        """
        quality = self.experiments[experiment].quality
        metrics_by_reference: dict[str, set[str]] = {}
        for entry in self.config["figures"].values():
            if entry["kind"] == "curves" and entry["experiment"] == experiment:
                metric = entry.get("metric", quality)
                for against in entry.get("against", ["clean"]):
                    if (against, metric) != ("clean", quality):
                        metrics_by_reference.setdefault(against, set()).add(metric)
        for claim in self.config["claims"]:
            for pair in claim["convergence"]:
                if pair["experiment"] == experiment and pair["metric"] != quality:
                    metrics_by_reference.setdefault("clean", set()).add(pair["metric"])
        return {
            against: sorted(metrics) for against, metrics in sorted(metrics_by_reference.items())
        }

    # ------------------------------------------------------------------ clips and chunks

    @cached_property
    def clip_counts(self) -> dict[str, int]:
        """How many clips of each corpus the experiments need; corpora of noise alone need none."""
        counts: dict[str, int] = {}
        for experiment in self.experiments.values():
            for corpus, count in experiment.needed.items():
                counts[corpus] = max(counts.get(corpus, 0), count)
        return counts

    @cached_property
    def _draws(self) -> dict[str, list[Draw]]:
        return {
            corpus: draws(corpus, self.corpus(corpus), self["seed"], count)
            for corpus, count in self.clip_counts.items()
            if not self.indexed(corpus)
        }

    def chunks(self, count: int) -> list[str]:
        """Names of the chunks that hold `count` clips."""
        return [f"{k:03d}" for k in range(-(-count // self["clips_per_job"]))]

    def clips(self, corpus: str, chunk: str, count: int | None = None) -> list[Draw]:
        """The clips of a corpus's chunk, out of its first `count`; not of a known corpus."""
        first, last = self.span(chunk, count or self.clip_counts[corpus])
        return self._draws[corpus][first:last]

    def clips_until(self, corpus: str, chunk: str) -> list[Draw]:
        """The clips of a corpus's chunk, and of those before; not of a known corpus."""
        return self._draws[corpus][: self.span(chunk, self.clip_counts[corpus])[1]]

    def span(self, chunk: str, count: int) -> tuple[int, int]:
        """Where a chunk begins and ends in the order of `count` clips."""
        first = int(chunk) * self["clips_per_job"]
        return first, min(first + self["clips_per_job"], count)

    def observations(self, experiment: str, corpus: str, chunk: str) -> dict[str, list[str]]:
        """The observations of a chunk: id -> the clips it is made from, as "corpus/clip"."""
        setup = self.experiments[experiment]
        parts = setup.parts(corpus)
        columns = [self.clips(part, chunk, setup.clips[corpus]) for part in parts]
        return {
            "+".join(draw.clip for draw in row): [
                f"{part}/{draw.clip}" for part, draw in zip(parts, row, strict=True)
            ]
            for row in zip(*columns, strict=True)
        }

    def chunks_of(self, experiment: Experiment) -> Iterator[tuple[str, str]]:
        """All (corpus, chunk) of an experiment."""
        for corpus, count in experiment.clips.items():
            for chunk in self.chunks(count):
                yield corpus, chunk


def _expanded(path: str) -> str:
    try:
        return str(Path(path).expanduser())
    except RuntimeError as error:
        raise DapError(f"{path!r}: {error}; write ./~ for a folder of that name") from error


def _own_fit(method: str, task: str) -> dict:
    """The fit options that a prior brings, presets filled in."""
    own = own_fit(method, task)
    try:
        FitOptions.from_study(own)
    except DapError as error:
        raise DapError(
            f"{shown(plugins('priors')[method].path)}: {method}.fit.{task}: {error}"
        ) from error
    return with_preset(own)


def _check_stop(where: str, entry: dict, fit: dict) -> None:
    """Refuse the selection "stop" where no rule makes it."""
    if "stop" not in entry["selections"]:
        return
    for method in filter(plugins("priors").__contains__, entry["methods"]):
        if {**fit, **entry["fits"].get(method, {})}["stop"] == "none":
            raise DapError(
                f"{where}.selections: stop is asked for, and fit.stop is none for {method}"
            )


def _check_snapshots(where: str, fit: dict) -> None:
    late = [step for step in fit["snapshot_at"] if step > fit["iterations"]]
    if late:
        raise DapError(
            f"{where}.snapshot_at: {late[0]} is beyond the {fit['iterations']} iterations"
        )
    if fit["snapshots"] + len(fit["snapshot_at"]) > MOST_SNAPSHOTS:
        raise DapError(
            f"{where}: snapshots and snapshot_at are {fit['snapshots']} + "
            f"{len(fit['snapshot_at'])}: at most {MOST_SNAPSHOTS} in all"
        )
