"""The C sources compile for kinds of CPU that this machine need not be."""

import platform
import shutil
import subprocess

import pytest

from dap.fitting.cpu import library as compiled


# cooperlake: AVX512-BF16, which this machine may lack; skylake-avx512: 16 lanes without bfloat16
@pytest.mark.parametrize("name", ["gcc", "clang"])
@pytest.mark.parametrize("architecture", ["cooperlake", "skylake-avx512", "haswell"])
def test_each_kind_of_cpu_compiles_on_any(name, architecture):
    if platform.machine() != "x86_64":
        pytest.skip("a kind of CPU of another family")
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    source = compiled.SOURCES / "kernels.c"
    flags = [f"-march={architecture}", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    flags += ["-Wno-unknown-pragmas", "-Wno-unused-parameter"]  # without OpenMP
    made = subprocess.run([name, *flags, str(source)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
