import pandas as pd
import pytest
from small_claims import BETTER, CLAIMS, COMPLEXITY, ZERO, scores

from dap.errors import DapError
from dap.plugins import plugins
from dap.reporting.claims import examine
from dap.reporting.tables import cost_table


def fits(parameters, gflop=(4.0, 8.5), **columns):
    """The cost table of fits of two designs."""
    constants = {"experiment": "e", "corpus": "speech", "clip": "a", "seed": 0, "device": "cpu"}
    constants |= {
        "cpu": "x",
        "threads": 1,
        "precision": "float32",
        "engine": "compiled",
        "iterations": 10,
    }
    constants |= {"restarts": 0, "failed_iterations": 0, "loss_terms": "", "warnings": ""}
    frame = pd.DataFrame({"method": list(parameters), "parameters": list(parameters.values())})
    return cost_table(frame.assign(gflop=gflop, seconds=[1, 2.5], **(constants | columns)))


def complexity(cost, method="dense", over="conv"):
    """The finding on the claim of complexity."""
    entry = {"paper": "interspeech2021", "claim": COMPLEXITY}
    entry["complexity"] = [{"experiment": "e", "method": method, "over": over}]
    return examine(CLAIMS, [entry], scores({"conv": ZERO}), BETTER, cost)[4]


def test_added_complexity():
    full = {"width": 1.0, "network": "code"}
    sizes = {
        name: sum(
            each.numel() for each in plugins("priors")[name].load().build(**full).parameters()
        )
        for name in ("conv", "dilated-exp", "dilated-exp-dense")
    }
    dense = {"conv": sizes["conv"], "dense": sizes["dilated-exp-dense"]}
    finding = complexity(fits(dense))
    assert finding["verdict"] == (
        "contradicted: dense has 1,092,912 parameters, conv 651,107 (1.68 times as many); "
        "an iteration takes 8.5 and 4 GFLOP (2.12 times as many)"
    )
    assert finding["complexity"] == [
        "conv (e, speech): 651,107 parameters, 4 GFLOP and 0.1 s an iteration on cpu",
        "dense (e, speech): 1,092,912 parameters, 8.5 GFLOP and 0.25 s an iteration on cpu",
    ]
    same = {"conv": sizes["conv"], "dense": sizes["dilated-exp"]}
    assert complexity(fits(same, (4.0, 4.0)))["verdict"].startswith(
        "reproduced: dense has 651,107 parameters, conv 651,107 (1.00 times"
    )
    assert complexity(fits(same, (4.0, 4.1)))["verdict"].startswith("contradicted: ")


def test_complexity_of_clips_of_two_lengths():
    sizes = {"conv": 100, "dense": 100}
    cost = pd.concat([fits(sizes), fits(sizes, (8.0, 18.0), corpus="long")])
    verdict = complexity(cost)["verdict"]
    assert verdict.endswith("an iteration takes 18 and 8 GFLOP (2.25 times as many)")


def test_complexity_without_costs():
    with pytest.raises(DapError, match="needs the cost table"):
        complexity(None)
    with pytest.raises(DapError, match="no corpus on which both were fitted"):
        complexity(fits({"conv": 100, "dense": 100}), over="harmonic")
