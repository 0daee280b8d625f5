"""How far a fit is: a bar on a terminal, and now and then the same bar as a line of a log."""

import logging
import sys
import time

from tqdm import tqdm

LINE_SECONDS = 30.0


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


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
