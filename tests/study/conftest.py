"""Each test lists folders anew."""

import pytest

from dap.data.folders import listing


@pytest.fixture(autouse=True)
def _fresh():
    listing.cache_clear()
