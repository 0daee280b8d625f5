"""Votes of listeners: read, refused where they are damaged, and tallied."""

import json

import pytest
from click.testing import CliRunner

from dap.cli import main
from dap.errors import DapError
from dap.reporting.preferences import FORMAT, read_votes, tally, to_csv, to_markdown

VOTE = {"experiment": "e", "corpus": "c", "clip": "k", "source": ""}


def votes(*trials, first=0):
    """One vote a trial: the one that was preferred, and the other."""
    return [
        VOTE | {"id": f"{first + i}", "a": won, "b": lost, "preferred": "a"}
        for i, (won, lost) in enumerate(trials)
    ]


def file(path, *trials, **keys):
    content = {"format": FORMAT, "study": "tiny", "sounds": "f00d", "listener": path.stem}
    path.write_text(json.dumps(content | {"votes": votes(*trials)} | keys))
    return path


def test_shares_have_wilsons_interval(tmp_path):
    trials = [("harmonic", "conv")] * 7 + [("conv", "harmonic")] + [("harmonic", "dilated")] * 2
    study, found = read_votes([file(tmp_path / "a.json", *trials)])
    table = tally(found)
    assert study == "tiny"
    first = table.iloc[0]
    assert (first["method"], first["against"], first["trials"], first["preferred"]) == (
        "harmonic", "any", 10, 9,
    )  # fmt: skip
    # Wilson 1927, by hand: (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n), z = 1.96
    assert (first["low"], first["high"]) == (
        pytest.approx(0.5958, abs=1e-4),
        pytest.approx(0.9821, abs=1e-4),
    )
    assert table["method"][:3].tolist() == ["harmonic", "conv", "dilated"]
    pairs = table[table["against"] != "any"].set_index(["method", "against"])
    assert pairs.loc[("harmonic", "dilated"), "share"] == 1
    assert pairs.loc[("conv", "harmonic"), "share"] == 1 / 8
    assert len(pairs) == 4
    lines = to_csv(table).splitlines()
    assert lines[0] == "experiment,method,against,listeners,trials,preferred,share,low,high"
    assert lines[1] == "e,harmonic,any,1,10,9,0.9,0.59585,0.982124"
    text = to_markdown(study, table)
    assert "# Preferences: tiny\n\n## e\n\n| method | listeners | trials |" in text
    assert "| harmonic | 1 | 10 | 9 | 0.90 [0.60, 0.98] |" in text
    assert "| conv | harmonic | 1 | 8 | 1 | 0.12 [0.02, 0.47] |" in text


def test_listeners_add_up_and_a_vote_counts_once(tmp_path):
    early = file(tmp_path / "a.json", ("x", "y"), listener="one")
    late = file(tmp_path / "b.json", ("x", "y"), ("y", "x"), listener="one")
    other = file(tmp_path / "c.json", votes=votes(("x", "y"), first=10))
    _, found = read_votes([early, late, other])
    (x,) = tally(found).query("method == 'x' and against == 'any'").to_dict("records")
    assert (x["listeners"], x["trials"], x["preferred"]) == (2, 3, 2)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"study": "other"}, r"b\.json: is of the study 'other', and .*a\.json of 'tiny'"),
        ({"sounds": "beef"}, r"b\.json: its votes are on other sounds than those of .*a\.json"),
        ({"format": "dap preferences 0"}, r"b\.json: is no file of votes of this form"),
        ({"listener": None}, r"b\.json: is damaged, it lacks .*listener"),
        ({"votes": "none"}, r"b\.json: is damaged"),
        ({"votes": [VOTE]}, r"b\.json: is damaged in vote 1: export the votes again"),
        ({"votes": [*votes(("x", "y")), None]}, r"b\.json: is damaged in vote 2"),
        ({"votes": votes(("x", "x"))}, r"b\.json: is damaged in vote 1"),
        ({"votes": [votes(("x", "y"))[0] | {"preferred": "x"}]}, r"b\.json: is damaged in vote 1"),
    ],
)
def test_what_is_damaged_or_of_another_study_is_refused_by_name(tmp_path, keys, words):
    paths = [file(tmp_path / "a.json", ("x", "y")), file(tmp_path / "b.json", **keys)]
    with pytest.raises(DapError, match=words):
        read_votes(paths)


@pytest.mark.parametrize("content", [b"", b'{"format"', b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_torn_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "torn.json"
    path.write_bytes(content)
    done = CliRunner().invoke(main, ["preferences", str(path)])
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {path}: is ")
    assert len(done.output.splitlines()) == 1


def test_no_vote_is_no_tally(tmp_path):
    with pytest.raises(DapError, match=r"a\.json: holds no vote: vote in the report first"):
        read_votes([file(tmp_path / "a.json")])


def test_the_command_writes_both_forms(tmp_path):
    path, numbers = file(tmp_path / "a.json", ("x", "y")), tmp_path / "out" / "votes.csv"
    command = ["preferences", str(path), "--csv", str(numbers)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "| x | 1 | 1 | 1 | 1.00 [0.21, 1.00] |" in done.output
    written = numbers.read_text()
    assert written.startswith("experiment,method,against,")
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, numbers.read_text()) == (1, written)
    assert "votes.csv: exists: name another file, or use --force" in done.output
    assert CliRunner().invoke(main, [*command, "--force"]).exit_code == 0
