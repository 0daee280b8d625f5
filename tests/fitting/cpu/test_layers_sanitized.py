"""The fuzz tests on a library that checks its memory accesses (AddressSanitizer) and its arithmetic
(UndefinedBehaviorSanitizer).
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("test_layers_fuzz.py")
OVERRUN = """
import torch
from dap.fitting.cpu.layers import Feature
from dap.fitting.cpu.library import library

lib, one = library("float32"), Feature((2, 4, 4))
one.allocate(lib)
{}
lib.import_planes(planes.data_ptr(), one.value, rows, 4, 1)
"""


@pytest.fixture(params=["native", "haswell"])
def sanitized(request, tmp_path):
    """Runs Python with a library, for a kind of CPU, that checks itself."""
    if shutil.which("gcc") is None or platform.machine() != "x86_64":
        pytest.skip("needs gcc on x86_64")

    def file(name):
        command = ["gcc", f"-print-file-name={name}"]
        return subprocess.run(command, text=True, capture_output=True, check=True).stdout.strip()

    checks = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
    environment = {
        **os.environ,
        "CC": "gcc",
        "DAP_CFLAGS": f"-march={request.param} {checks}",
        "DAP_FUZZ_EXAMPLES": "100",
        "XDG_CACHE_HOME": str(tmp_path),
        # the second for exceptions, which the first hands on
        "LD_PRELOAD": f"{file('libasan.so')} {file('libstdc++.so')}",
        "ASAN_OPTIONS": "detect_leaks=0",  # Python's are many
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments], env=environment, text=True, capture_output=True
        )

    return run


@pytest.mark.slow
def test_no_access_beyond_memory_and_nothing_undefined(sanitized):
    options = ["-q", "-s", "-m", "not slow", "-p", "no:faulthandler", "-p", "no:cacheprovider"]
    done = sanitized("-m", "pytest", *options, str(FUZZ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout

    # it would be seen: a read one float beyond its memory, and an index that overflows
    overruns = {
        "heap-buffer-overflow": "planes = torch.zeros(2 * 4 * 4 - 1); rows = 4",
        "signed integer overflow": "planes = torch.zeros(2 * 4 * 4); rows = 2**63 - 1",
    }
    for message, changes in overruns.items():
        done = sanitized("-c", OVERRUN.format(changes))
        assert done.returncode != 0
        assert message in done.stderr
