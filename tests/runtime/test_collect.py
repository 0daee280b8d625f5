"""Joining parts: what is joined, and everything that is refused."""

import json
import re
import shutil

import pytest
from small_parts import Digests, Results
from small_studies import changed, config

from dap.errors import DapError
from dap.runtime.archive import unpacked
from dap.runtime.collect import collect, export
from dap.store import read_rows, seal, write_rows
from dap.study.parts import chunks_of_part, in_order
from dap.study.paths import Names
from dap.study.places import recorded_chunks
from dap.study.study import Study

SPEECH = Names("denoise", "synthetic-speech", "conv", "000")
CODE = Digests()


@pytest.fixture
def study():
    """2 clips, each a chunk, of 2 corpora and a pair, by 2 methods: 12 chunks."""
    return Study(config(clips=2, clips_per_job=1))


@pytest.fixture
def halves(study, tmp_path):
    """The folders of two parts."""
    return [
        Results(tmp_path / part[0], study, CODE, cpu=cpu).make(chunks_of_part(study, part)).root
        for part, cpu in (("1/2", "x"), ("2/2", "y"))
    ]


@pytest.fixture
def into(tmp_path):
    return tmp_path / "here" / "results" / "tiny"


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def rewrite(results, chunk, change):
    """Change a record as one of another machine would be."""
    path = recorded_chunks(results.paths)[chunk]
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    seal(path)


def refused(parts, into, message):
    """Collecting is refused, and nothing is written."""
    before = contents(into) if into.exists() else None
    with pytest.raises(DapError, match=message):
        collect(parts, into)
    assert (contents(into) if into.exists() else None) == before


def test_two_parts_are_joined(study, halves, into, tmp_path):
    joined = collect(halves, into)
    assert (joined.study, joined.repeats, joined.cpus) == ("tiny", 0, {"x": 6, "y": 6})
    assert sorted(chunk.names for chunk in joined.chunks) == sorted(in_order(study))
    whole = Results(tmp_path / "whole", study, CODE).make()
    collected = contents(into / "collected")
    scores = {name: data for name, data in contents(whole.root).items() if name[:6] == "scores"}
    assert len(scores) == 24  # with their seals
    assert scores.items() <= collected.items()
    # of the sounds, those of the first clip: clean, corrupted, and as conv restored 2 corpora and
    # the two sources of a pair at last
    sounds = sorted(name for name in collected if name.endswith(".wav"))
    assert len(sounds) == 3 + 3 + 4
    assert not any("/001/" in name for name in sounds)
    assert {name.partition("/")[0] for name in collected} == {
        "clips", "observations", "fits", "scores", "records",
    }  # fmt: skip


def test_a_clip_that_is_in_two_chunks_is_refused(study, tmp_path, into):
    first, other = (Results(tmp_path / cpu, study, CODE, cpu=cpu) for cpu in "xy")
    first.make([SPEECH])
    record = json.loads(recorded_chunks(first.paths)[SPEECH].read_text())
    second = SPEECH._replace(chunk="001")
    other.make([second])
    rewrite(other, second, lambda theirs: theirs.update(data=record["data"]))
    message = r"y/results/tiny: observations/denoise/synthetic-speech/\S+ is in chunk 001, and in "
    refused([first.root, other.root], into, message + r"000 of \S+x/results/tiny: the two were")


def test_exact_repeats_are_dropped(halves, into):
    collect(halves[:1], into)
    again = collect(halves, into)
    assert (len(again.chunks), again.repeats) == (6, 6)
    third = collect(halves, into)
    assert (len(third.chunks), third.repeats, third.cpus) == (0, 12, {"x": 6, "y": 6})


def test_what_was_made_there_is_no_second_time_collected(study, halves, into, tmp_path):
    made = Results(tmp_path / "here", study, CODE).make(chunks_of_part(study, "1/2"))
    assert made.root == into
    joined = collect(halves, into)
    assert (len(joined.chunks), joined.repeats) == (6, 6)
    assert set(recorded_chunks(made.paths.collected)) == set(chunks_of_part(study, "2/2"))


@pytest.mark.parametrize("suffix", ["zst", "xz", "gz"])
def test_archives(study, halves, into, tmp_path, suffix):
    files = [tmp_path / f"{index}.tar.{suffix}" for index in (1, 2)]
    for half, file in zip(halves, files, strict=True):
        assert len(export([half], file).chunks) == 6
    first = files[0].read_bytes()
    export(halves[:1], files[0])
    assert files[0].read_bytes() == first  # nothing of it depends on the time
    collect(files, into)
    folders = tmp_path / "folders" / "tiny"
    collect(halves, folders)
    assert contents(into) == contents(folders)
    # what was collected there is not packed again
    with pytest.raises(DapError, match="all that is finished there was collected from elsewhere"):
        export([into], tmp_path / "again.tar.gz")


def test_the_folder_has_the_name_of_the_study(halves, tmp_path):
    refused(
        halves,
        tmp_path / "results" / "another",
        "results/another: the parts are of the study tiny, .*: --into results/tiny",
    )


def test_setups_that_differ(study, halves, into, tmp_path):
    other = Study(
        changed("experiments.denoise.corruption", {"kind": "gaussian", "std": 0.3})
        | {"clips": 2, "clips_per_job": 1}
    )
    part = Results(tmp_path / "other", other, CODE).make([SPEECH]).root
    refused(
        [halves[0], part],
        into,
        r"other/results/tiny \(denoise/synthetic-speech/conv/000\): the study's key "
        r"experiments\.denoise\.corruption\.std is 0\.3, and 0\.1 in .*1/results/tiny",
    )


@pytest.mark.parametrize(
    ("change", "key", "values"),
    [
        ({"seed": 1}, "seed", "1, and 2021"),
        ({"study": "another"}, "study", '"another", and "tiny"'),
        ({"threads": 2}, "threads", "2, and 1"),
        ({"clips_per_job": 2}, "clips_per_job", "2, and 1"),
        ({"fit": {"iterations": 9}}, "experiments.denoise.fit.conv.iterations", "9, and 2000"),
        ({"seeds": 2}, "experiments.denoise.fit.conv.seeds", "2, and 1"),
    ],
)
def test_keys_of_setups_that_differ(halves, into, tmp_path, change, key, values):
    other = Study(config(**({"clips": 2, "clips_per_job": 1} | change)))
    part = Results(tmp_path / "other", other, CODE).make([SPEECH]).root
    refused([*halves, part], into, f"the study's key {re.escape(key)} is {values} in ")


def test_what_makes_no_number_may_differ(study, halves, into, tmp_path):
    same = {"clips": 2, "clips_per_job": 1, "title": "another", "run": {"retries": 0}}
    other = Study(config(**same, device="cpu"))
    part = Results(tmp_path / "other", other, CODE, seconds=9.0).make([SPEECH]).root
    assert collect([*halves, part], into).repeats == 1


def test_code_that_differs(study, halves, into, tmp_path):
    collect(halves[1:], into)
    edited = Digests(conv="e")
    part = Results(tmp_path / "other", study, edited).make([SPEECH]).root
    refused(
        [part],
        into,
        r'the code of dap\.priors\.conv \(fits\.denoise\.conv\) is "e", and "d" in .*here/results',
    )


def test_observations_that_differ(study, halves, into, tmp_path):
    part = Results(tmp_path / "other", study, CODE, noisier=True).make([SPEECH]).root
    refused(
        [*halves, part],
        into,
        r"the sha256 of observations/denoise/synthetic-speech/speech-00000/wav is .*1/results/tiny",
    )


def test_the_same_clip_with_other_numbers(study, halves, into, tmp_path):
    part = Results(tmp_path / "other", study, CODE, cpu="z", shift=0.5).make([SPEECH]).root
    refused(
        [*halves, part],
        into,
        r"other/results/tiny: denoise/synthetic-speech/conv/000: clip speech-00000 has other "
        r"numbers than in .*/results/tiny \(snr of last: -?[\d.]+ and -?[\d.]+; made on z and [xy]",
    )


def test_the_same_clip_with_fewer_scores(study, halves, into, tmp_path):
    other = Results(tmp_path / "other", study, CODE)
    other.make_one(SPEECH, record=False)
    path = other.root / "scores" / "/".join(SPEECH[:3]) / "000.csv"
    write_rows(path, [*read_rows(path), *read_rows(path)])
    with pytest.raises(DapError, match="has no record of a finished chunk, so it is no part: run"):
        collect([other.root], into)
    other.make([SPEECH])
    write_rows(path, [*read_rows(path), *read_rows(path)])
    rewrite(other, SPEECH, lambda record: record["files"].update(digests(other.root, record)))
    refused([*halves, other.root], into, "has 2 scores, and 1 in .*: one chunk cannot count twice")


def digests(root, record):
    from dap.store import sha256

    return {name: sha256(root / name) for name in record["files"]}


@pytest.mark.parametrize("name", ["scores/{}/{}/{}/{}.csv", "fits/{}/{}/{}/{}/losses.csv"])
def test_a_torn_file_is_named(study, halves, into, name):
    half = halves[0] if (halves[0] / "records" / "/".join(SPEECH[:3])).exists() else halves[1]
    chunk = next(
        names
        for names in recorded_chunks(Results(half.parents[1], study, CODE).paths)
        if names.method == "conv"
    )
    path = half / name.format(*chunk)
    path.write_bytes(path.read_bytes()[:-3])
    refused(halves, into, f"{re.escape(str(path))}: is torn or was changed")
    path.unlink()
    refused(halves, into, f"{re.escape(str(path))}: is not there, though 00.* lists it: copy it")


def test_a_damaged_record_is_named(study, halves, into):
    path = next(iter(recorded_chunks(Results(halves[0].parents[1], study, CODE).paths).values()))
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    refused(halves, into, f"{re.escape(str(path))}: is torn or was changed")
    seal(path)
    refused(halves, into, f"{re.escape(str(path))}: is no record of a chunk, or a damaged one")
    path.write_text('{"form": 2}')
    seal(path)
    refused(halves, into, "is no record of a chunk")
    path.write_bytes(whole.replace(b'"form": 1', b'"form": 2'))
    seal(path)
    refused(halves, into, "is of form 2, and this version reads form 1")


def test_a_record_that_leads_out_of_its_folder(study, tmp_path, into):
    other = Results(tmp_path / "other", study, CODE).make([SPEECH])
    rewrite(other, SPEECH, lambda record: record["files"].update({"scores/../../x": "0"}))
    refused([other.root], into, "lists scores/../../x, which is no product of a study")


def test_a_record_that_was_moved(study, tmp_path, into):
    other = Results(tmp_path / "other", study, CODE).make([SPEECH])
    path = recorded_chunks(other.paths)[SPEECH]
    shutil.move(path, path.with_name("001.json"))
    refused([other.root], into, "001.json: is of denoise/synthetic-speech/conv/000: it was moved")


@pytest.mark.parametrize("suffix", ["zst", "xz", "gz"])
def test_half_an_archive(halves, into, tmp_path, suffix):
    file = tmp_path / f"part.tar.{suffix}"
    export(halves, file)
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:10], b"", b"no archive at all" * 99):
        file.write_bytes(content)
        refused([file], into, f"{re.escape(str(file))}: is damaged, or only half of it: copy it")


def test_half_a_folder(halves, into, tmp_path):
    file, copy = tmp_path / "part.tar.gz", tmp_path / "copy"
    export(halves, file)
    with unpacked(file) as folder:
        shutil.copytree(folder, copy)
    shutil.rmtree(copy / "records" / "separate")
    refused([copy], into, "copy: records/separate/.* is not there, though part.json lists it")
    (copy / "part.json").write_text("{")
    refused([copy], into, "part.json is damaged")


def test_what_is_no_part(halves, into, tmp_path):
    (tmp_path / "README.md").write_text("parts")
    refused(
        [*halves, tmp_path / "README.md"], into, "README.md: is neither a folder nor an archive"
    )
    (tmp_path / "empty").mkdir()
    refused([*halves, tmp_path / "empty"], into, "empty: has no record of a finished chunk")
    with pytest.raises(DapError, match=r"part.zip: must be named .tar.zst, .tar.xz or .tar.gz"):
        export(halves, tmp_path / "part.zip")


def test_what_a_killed_collection_left_is_no_chunk(study, halves, into, monkeypatch):
    from dap.runtime import collect as module

    written = module.write_bytes

    def killed(path, content):
        if len(list(into.rglob("*.csv"))) > 9:
            raise KeyboardInterrupt
        written(path, content)

    monkeypatch.setattr(module, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        collect(halves, into)
    monkeypatch.undo()
    whole = recorded_chunks(Results(into.parents[1], study, CODE).paths.collected)
    assert 0 < len(whole) < 12
    assert len(collect(halves, into).chunks) == 12 - len(whole)
