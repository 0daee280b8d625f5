"""Signals that fits beside each other are tested with."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def tones():
    time = np.arange(4096)
    return [np.sin(time * pitch).astype(np.float32) / 2 for pitch in (0.1, 0.2, 0.3)]
