"""Each test lists folders anew."""

import pytest

from dap.data.catalogue import listing


@pytest.fixture(autouse=True)
def _fresh():
    listing.cache_clear()
