"""What all figures have in common."""

import os
import subprocess
import sys

import pytest

DRAW = """
import sys
from pathlib import Path
from dap.reporting.figures.curves import new_figure, save, style
with style():
    figure = new_figure(2, 1)
    figure.subplots().plot([1, 2])
print(*(path.name for path in save(figure, Path(sys.argv[1]))))
"""


# as a notebook's kernel hands it on to what it starts; a slip
@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "no-such-one"])
def test_a_backend_of_the_environment_does_not_matter(backend, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DRAW, tmp_path / "figure"],
        env=os.environ | {"MPLBACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "figure.pdf figure.png\n"
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
