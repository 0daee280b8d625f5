"""Real runs of the tiny study."""

from collections import Counter
from collections.abc import Callable

import pytest
from checkout import Checkout, jobs
from once import once


@pytest.fixture(scope="session")
def count_jobs() -> Callable[[str], Counter]:
    return jobs


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> Checkout:
    """A checkout that nothing was run in; not to be changed."""
    return Checkout.make(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="session")
def original(sources, tmp_path_factory) -> Checkout:
    """The tiny study, run once from end to end; not to be changed."""
    return Checkout(once(tmp_path_factory, "original", lambda to: sources.copy(to).run()))


@pytest.fixture
def finished(original, tmp_path) -> Checkout:
    """A copy of the finished run."""
    return original.copy(tmp_path)


@pytest.fixture
def fresh(sources, tmp_path) -> Checkout:
    """A checkout that nothing was run in."""
    return sources.copy(tmp_path)
