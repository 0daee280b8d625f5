"""The tables of a tiny study are those of the code before it was laid out by stage.

tests/golden/study.yaml was run by that code (with the names that its keys had then), in float32 on
an AVX512 CPU with the compiled layers; the CSVs beside it are its tables. Two things came later:
the metric sdr_v4, which is an SNR, and the published values beside the oracle. A fit is chaotic,
and so it has 4 iterations: after 8, one network's iterate had moved by 0.002 dB where the layers
add up in another order.

They were made anew on 2026-11-28, when the rate began to fall one iteration earlier
(fidelity: learning-rate) and the gaps became longer than a window. With the rate as it was, all of
them but `inpaint` were within `TOLERANCE` of those before. `separate` was made anew on the same
day, when its mixture began to be scaled and the mask's logits to be normalised.

How far CPUs are apart was measured on that machine by running the same code with layers compiled
for AVX2 alone, with PyTorch's layers instead, and each of both with NumPy, OpenBLAS, MKL, oneDNN
and PyTorch held to AVX2 as well. Tables have six digits, and two runs alike agree in all of them.
The largest differences of the others were

    snr 1e-4, psnr 2e-6, ssnr 2e-6, spectral_snr 1e-5, sdr 1e-5, sir 1e-5 (dB),
    pesq_nb 1e-6, envelope_distance 1e-6, which is its last digit,

and `TOLERANCE` is some five times that, or more where that is less than what anybody could hear.
A learning rate that is one percent higher moves SNR by 0.014 dB, a decay of 0.81 by 0.008 dB.
"""

from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TABLES = sorted(path.stem for path in GOLDEN.glob("*.csv"))
TOLERANCE = {
    "snr": 5e-4,
    "psnr": 5e-4,
    "ssnr": 5e-4,
    "spectral_snr": 5e-4,
    "sdr_v4": 5e-4,
    "sdr": 5e-4,
    "sir": 5e-4,
    "pesq_nb": 5e-5,
    "envelope_distance": 5e-6,
}
NUMBERS = ["mean", "std", "seeds_std", "improvement", "difference", "low", "high", "p", "p_holm"]


@pytest.fixture(scope="module")
def tables(sources, tmp_path_factory):
    checkout = sources.copy(tmp_path_factory.mktemp("golden"))
    (checkout.folder / "golden.yaml").write_text((GOLDEN / "study.yaml").read_text())
    checkout.run("tables", study="golden.yaml")
    return checkout.folder / "results" / "golden" / "tables"


def test_the_tables_are_those_of_the_code_before(tables):
    assert sorted(path.stem for path in tables.glob("*.csv")) == TABLES
    apart = []
    for name in TABLES:
        golden, table = (pd.read_csv(folder / f"{name}.csv") for folder in (GOLDEN, tables))
        assert list(table) == list(golden)
        rest = [column for column in golden if column not in NUMBERS]
        pd.testing.assert_frame_equal(table[rest], golden[rest], check_exact=True)
        for column in NUMBERS:
            difference = (table[column] - golden[column]).abs()
            missing = table[column].isna() != golden[column].isna()
            beyond = missing | (difference > golden["metric"].map(TOLERANCE))
            apart += [
                f"{name}: {row.scope} {row.method} {row.selection} {row.metric} {column}: "
                f"{table[column][row.Index]}, not {golden[column][row.Index]}"
                for row in golden[beyond].itertuples()
            ]
    assert not apart, "\n".join(apart)
