"""Whether an experiment's methods can do what it asks of them, checked before any job.

Light on purpose: the Snakefile and every cluster job parse it.
"""

from collections.abc import Collection, Mapping

from dap.errors import DapError
from dap.plugins import methods, plugins
from dap.study.outputs import require


def check_methods(
    where: str, entry: dict, *, task: str, kind: str, rate: int, speech: Collection[str]
) -> None:
    """Refuse methods that are not for the experiment.

    Args:
        where: the experiment, for messages.
        entry: it, as the study has it.
        kind: of the corruption.
        rate: the study's sample rate in Hz.
        speech: the corpora of speech.

    Raises:
        DapError: there is no such method, or it is for another task, corruption or rate, or for
            speech, of which no corpus is.
    """
    known = methods()
    for method in entry["methods"]:
        require(f"{where}.methods", method, known)
        metadata = known[method].metadata
        if task not in metadata.get("tasks", [task]):
            raise DapError(f"{where}.methods: {method} is not for the task {task}")
        _check_corruption(f"{where}.methods", method, metadata, kind)
        _check_rate(f"{where}.methods", method, metadata, rate)
        _check_speech(f"{where}.methods", method, metadata, entry, speech)


def check_iterations(where: str, entry: dict, fit: dict) -> None:
    """Refuse fits that are too short for their method.

    Raises:
        DapError: for the first of them.
    """
    priors = plugins("priors")
    for method in entry["methods"]:
        least = priors[method].metadata.get("least_iterations", 1) if method in priors else 1
        iterations = (fit | entry["fits"].get(method, {}))["iterations"]
        if iterations < least:
            raise DapError(
                f"{where}.fits.{method}.iterations is {iterations}: {method} needs at least {least}"
            )


def check_input(
    where: str,
    entry: dict,
    fit: dict,
    *,
    task: str,
    kind: str,
    rate: int,
    speech: Collection[str],
) -> None:
    """Refuse what a prior cannot be fed; the arguments are those of `check_methods`.

    Raises:
        DapError: for the first of them.
    """
    offers = plugins("baselines")
    allowed = [name for name, offer in offers.items() if task in offer.metadata["tasks"]]
    for method in filter(plugins("priors").__contains__, entry["methods"]):
        given = {**fit, **entry["fits"].get(method, {})}["input"]
        require(f"{where}.fit.input", given, ["noise", *allowed])
        if given != "noise" and plugins("priors")[method].metadata.get("domain") == "waveform":
            raise DapError(f"{where}.fit.input: {method} is fed noise alone, not {given}")
        if given != "noise":
            metadata = offers[given].metadata
            _check_corruption(f"{where}.fit.input", given, metadata, kind)
            _check_rate(f"{where}.fit.input", given, metadata, rate)
            _check_speech(f"{where}.fit.input", given, metadata, entry, speech)


def _check_corruption(where: str, method: str, metadata: Mapping, kind: str) -> None:
    kinds = metadata.get("corruptions", [kind])
    if kind not in kinds:
        raise DapError(f"{where}: {method} is for the corruption {' or '.join(kinds)}, not {kind}")


def _check_rate(where: str, method: str, metadata: Mapping, rate: int) -> None:
    rates = metadata.get("sample_rates", [rate])
    if rate not in rates:
        raise DapError(
            f"{where}: {method} needs a sample_rate of {' or '.join(map(str, rates))}, not {rate}"
        )


def _check_speech(
    where: str, method: str, metadata: Mapping, entry: Mapping, speech: Collection[str]
) -> None:
    if metadata.get("speech") and not set(entry["corpora"]) & set(speech):
        raise DapError(
            f"{where}: {method} is for speech, and none of the corpora is (`speech: true`)"
        )
