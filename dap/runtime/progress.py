"""How far a fit is: a bar on a terminal, and now and then the same bar as a line of a log."""

import logging
import sys
import time

from tqdm import tqdm

LINE_SECONDS = 30.0
LEAST_SHARE = 0.005  # done, that tells of the time left


class Progress:
    """Clip, iteration, loss, rate and time left of one fit; called by the fit's loop.

    Args:
        name: of the clip, and what else tells this fit from others.
        total: iterations.
        log: gets a line at most every half minute, and one at the end; without it, the
            bar is on the terminal, or, if stderr is none, lines go there.
    """

    def __init__(self, name: str, total: int, log: logging.Logger | None = None):
        self.name, self.total = name, total
        self.begun = self.told = time.monotonic()
        self._log = log.info if log else _print
        self.bar = None
        if log is None and sys.stderr is not None and sys.stderr.isatty():
            self.bar = tqdm(total=total, desc=name, dynamic_ncols=True)

    def __call__(self, iteration: int, loss: float) -> None:
        """The state of the fit after an iteration, counted from 1."""
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
            self.bar.update(iteration - self.bar.n)
            if iteration == self.total:
                self.bar.close()
            return
        now = time.monotonic()
        if iteration == self.total or now - self.told >= LINE_SECONDS:
            self.told = now
            meter = tqdm.format_meter(
                iteration,
                self.total,
                now - self.begun,
                prefix=self.name,
                postfix=f"loss {loss:.4g}",
                ascii=True,
                ncols=130,
            )
            self._log(meter)


class Meter:
    """How much of one recording, or of several, is done, and the time that is left for all.

    A bar on a terminal; where stderr is none, a line at most every half minute.

    Args:
        total: seconds of sound of all recordings; None for one, which says it.
    """

    FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left"

    def __init__(self, total: float | None = None):
        self.total, self.name = total, ""
        self.before = self.done = 0.0
        self.begun = self.told = time.monotonic()
        self.bar: tqdm | None = None

    def begin(self, name: str) -> None:
        """Go on to the next recording."""
        self.before, self.name = self.before + self.done, name
        self.done = 0.0
        if self.bar is not None:
            self.bar.set_description_str(name)

    def __call__(self, done: float, whole: float) -> None:
        """So many seconds of the present recording are done, of so many."""
        self.done = done
        total = max(self.total or 0.0, self.before + whole)
        if sys.stderr is not None and sys.stderr.isatty():
            if self.bar is None:
                self.bar = tqdm(
                    total=total, desc=self.name, bar_format=self.FORMAT, dynamic_ncols=True
                )
            self.bar.update(self.before + done - self.bar.n)
            return
        now, share = time.monotonic(), (self.before + done) / total
        if now - self.told >= LINE_SECONDS:
            self.told = now
            left = ""
            if share > LEAST_SHARE:
                left = f", {tqdm.format_interval((now - self.begun) * (1 / share - 1))} left"
            _print(f"{self.name}: {share:.0%}{left}")

    def close(self) -> None:
        """End the bar's line."""
        if self.bar is not None:
            self.bar.close()


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
