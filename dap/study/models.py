"""What the jobs depend on that train models and separate by them: their inputs and parameters.

Functions of the study and of names, as in `dap.study.params`.
"""

from collections.abc import Iterator

from dap.plugins import plugin, plugins
from dap.study.params import experiments
from dap.study.study import Study


def clips(study: Study, experiment: str, corpus: str) -> list[str]:
    """The manifests of what models for a pair hear, and of what is tested before it."""
    setup = study.experiments[experiment]
    return [
        study.paths.clips(part, chunk)
        for part in setup.heard(corpus)
        for chunk in study.chunks(setup.needed[part])
    ]


def training(study: Study, experiment: str, corpus: str) -> dict:
    """All that a training depends on beside its clips: options, transform, and which clips."""
    setup = study.experiments[experiment]
    options = {key: value for key, value in (setup.training or {}).items() if key != "corpora"}
    return {
        "options": options,
        "spectrogram": study["spectrogram"],
        "heard": setup.heard(corpus),
        "target": setup.parts(corpus)[0],
        "tested": {part: setup.tested.get(part, 0) for part in setup.heard(corpus)},
        "clips_per_job": study["clips_per_job"],
    }


def modules(study: Study, method: str) -> list[str]:
    """The module of a prior; nothing of a baseline."""
    return [plugin("priors", method).module] if method in plugins("priors") else []


def files(study: Study, experiment: str, corpus: str, method: str) -> list[str]:
    """The models of all initialisations."""
    return [
        study.paths.model(experiment, corpus, method, str(index)) for index in range(study["seeds"])
    ]


def all_files(study: Study) -> list[str]:
    """All models of a study."""
    return [study.paths.model(*each) for each in _all(study)]


def all_cards(study: Study) -> list[str]:
    """What is said of each model of a study."""
    return [study.paths.card(*each) for each in _all(study)]


def scores(study: Study, experiment: str, corpus: str, method: str) -> list[str]:
    """The scores of a model, and of the others of its pair and method."""
    count = study.experiments[experiment].clips[corpus]
    return [study.paths.scores(experiment, corpus, method, chunk) for chunk in study.chunks(count)]


def _all(study: Study) -> Iterator[tuple[str, str, str, str]]:
    """Experiment, corpus, method and initialisation of each model."""
    for name in experiments(study, trained=True):
        for corpus in study.experiments[name].clips:
            for method in study.experiments[name].learned:
                for index in range(study["seeds"]):
                    yield name, corpus, method, str(index)
