"""Laws of ids: each its own on every file system, safe, short, and the same in whatever order."""

import os
import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from dap.data.names import LONGEST, ids

# bytes, since names on a disk need not be text; what is likely to collide, or to be read as a
# wildcard, more often than not
PARTS = st.one_of(
    st.text("aA_ -.{}[]*?'\"\\é\u0301e", min_size=1, max_size=6).map(str.encode),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).map(str.encode),
    st.binary(min_size=1, max_size=20),
).map(lambda part: part.replace(b"/", b"_").replace(b"\0", b"_"))
FILES = st.builds(
    lambda parts, suffix: os.fsdecode(b"/".join(parts) + suffix),
    st.lists(PARTS.filter(lambda part: not part.startswith(b".")), min_size=1, max_size=2),
    st.sampled_from([b".wav", b".WAV", b".flac"]),
)


@given(st.lists(FILES, min_size=1, max_size=12, unique=True), st.randoms())
@example(["a.wav", "A.flac", "\u212b.wav", "\u00c5.wav", "a\u030a.wav"], None)
def test_ids_are_unique_safe_and_stable(files, random):
    named = ids(files)
    assert list(named) == files
    for change in (str.lower, str.upper, str.casefold):
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            seen = {unicodedata.normalize(form, change(name)) for name in named.values()}
            assert len(seen) == len(files), (form, change)
    for name in named.values():
        assert 0 < len(name.encode()) <= LONGEST
        assert not re.search(r"[\s/\\{}*?\[\]'\"+\x00-\x1f]", name)
        assert not name.startswith(".")
    shuffled = list(files)
    if random:
        random.shuffle(shuffled)
    assert ids(shuffled) == named


@given(st.lists(st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9 _.-]{0,20}", fullmatch=True), min_size=1))
def test_ids_of_ascii_names_are_as_they_were(stems):
    files = [f"{stem}.wav" for stem in stems]
    before = {file: re.sub(r"[^A-Za-z0-9._-]+", "_", file.removesuffix(".wav")) for file in files}
    if len({name.lower() for name in before.values()}) == len(before):
        assert ids(list(before)) == before
