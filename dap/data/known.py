"""The known corpora: what their modules declare, and where this run finds them.

A module of `dap/data/corpora`, or a plugin from outside, declares a corpus in the literal
`ARCHIVES`, by name: title, licence, citation, size, `why_no_archive` where none is published, and
`sources`, which are tried in order; one that is `rendered` is made where no mirror has it. A source
has

- `archives`: file, url, and bytes, sha256 or md5 where they are published;
- `root` and `members`: the folder inside the archives, and the globs below it that are unpacked;
- `folders`: where its unpacked recordings lie in a mirror;
- `most_members`, `most_bytes`: beyond these an archive is refused.

Nothing here opens an archive or lists a folder: the Snakefile asks.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from dap.audio import SUFFIXES
from dap.errors import DapError
from dap.plugin_literals import shown
from dap.plugins import plugin

RESOURCES = "resources"


@dataclass(frozen=True)
class Location:
    """Where a known corpus is read from.

    Attributes:
        sources: those that may be used, in order.
        archives: the archives in the mirror; without a mirror, or with a folder, none.
        folder: of unpacked recordings in the mirror, or None.
        rendered: whether a rule makes the recordings.
    """

    sources: list[dict]
    archives: tuple[str, ...] = ()
    folder: str | None = None
    rendered: bool = False


def metadata(name: str) -> dict:
    """What is known of a corpus.

    Raises:
        DapError: there is none of this name, or its declaration lacks something.
    """
    declared = plugin("archives", name)
    sources = declared.metadata["sources"]
    archives = [archive for source in sources for archive in source.get("archives", [])]
    lacking = {
        "a source": _lacking(sources, ("archives", "root", "members", "folders")),
        "a source with archives": _lacking(
            [source for source in sources if source.get("archives")],
            ("most_members", "most_bytes"),
        ),
        "an archive": _lacking(archives, ("file", "url")),
        "it, which has no archive,": []
        if archives
        else _lacking([declared.metadata], ("why_no_archive",)),
    }
    for what, keys in lacking.items():
        if keys:
            raise DapError(
                f"{shown(declared.path)}: ARCHIVES: {name}: {what} lacks {', '.join(keys)}"
            )
    return declared.metadata


def _lacking(entries: list[dict], keys: tuple[str, ...]) -> list[str]:
    """Those of the keys that one of the entries does not have."""
    return [key for key in keys if not all(key in entry for entry in entries)]


def locate(name: str, mirror: str | None, *, seen: bool = True) -> Location:
    """Where a known corpus comes from: archives of the mirror before its folders, else a download.

    Args:
        seen: whether the mirror has to be there. On a cluster's node, what is unpacked already is
            read where the mirror cannot be seen.

    Raises:
        DapError: the mirror has neither, or there is no mirror and nothing to download.
    """
    corpus = metadata(name)
    sources = corpus["sources"]
    made = Location([], rendered=True) if corpus.get("rendered") else None
    if mirror is None:
        if made:
            return made
        if not any(source["archives"] for source in sources):
            raise DapError(f"{name} {corpus['why_no_archive']}")
        return Location(sources)
    root = Path(mirror)
    for source in sources:
        files = [root / archive["file"] for archive in source["archives"]]
        if files and all(file.is_file() for file in files):
            return Location([source], archives=tuple(map(str, files)))
    for source in sources:
        for folder in source["folders"]:
            if any((root / folder / _fixed(glob)).is_dir() for glob in source["members"]):
                return Location([source], folder=str(root / folder))
    if made:
        return made
    if not seen:
        return Location(sources)
    names = [
        label
        for source in sources
        for label in (
            " and ".join(archive["file"] for archive in source["archives"]),
            *(f"the folder {folder}/" for folder in source["folders"][:1]),
        )
        if label
    ]
    why = f"; {name} {corpus['why_no_archive']}" if "why_no_archive" in corpus else ""
    raise DapError(f"mirror {mirror!r} has none of: {', '.join(names)}{why}")


def is_usable(name: str, source: dict) -> bool:
    """Whether a file, by its path below the source's root, is a recording that a study can use."""
    path = PurePosixPath(name)
    # "._x.wav" is what some systems pack beside x.wav, and no sound
    return (
        path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and any(matches(name, glob) for glob in source["members"])
    )


def matches(name: str, glob: str) -> bool:
    """Whether a relative path matches a glob: `**` is any number of folders, `*` part of a name."""
    return _match(PurePosixPath(name).parts, PurePosixPath(glob).parts)


def _match(parts: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    if not globs:
        return not parts
    first, rest = globs[0], globs[1:]
    if first == "**":
        return any(_match(parts[skipped:], rest) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], first) and _match(parts[1:], rest)


def index_file(name: str) -> str:
    """The CSV that lists a known corpus's recordings once they are there."""
    return f"{RESOURCES}/corpora/{name}.csv"


def origin_file(name: str) -> str:
    """The JSON that says where they came from, and against what they were checked."""
    return f"{RESOURCES}/corpora/{name}.json"


def receipt_file(name: str) -> str:
    """The JSON that says that a corpus's archives are there, and what they were checked against."""
    return f"{RESOURCES}/archives/{name}.json"


def folder(name: str) -> str:
    """Where a known corpus is unpacked."""
    return f"{RESOURCES}/corpora/{name}"


def _fixed(glob: str) -> str:
    """The folders of a glob before its first wildcard."""
    parts = PurePosixPath(glob).parts[:-1]
    wild = next((i for i, part in enumerate(parts) if "*" in part), len(parts))
    return "/".join(parts[:wild])
