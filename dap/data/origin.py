"""What a run says of where a known corpus came from, by the file that its unpacking leaves."""

import json
from pathlib import Path

PUBLISHED = "as published"


def checked(origin: Path) -> str:
    """Against what the archives were checked, in words."""
    return _checked(json.loads(origin.read_text(encoding="utf-8"))["archives"])


def caveat(title: str, origin: Path) -> str | None:
    """The note below a table on a corpus that may not be what its title says, or None."""
    record = json.loads(origin.read_text(encoding="utf-8"))
    archives = record["archives"]
    if archives and all(archive["checked"].endswith(PUBLISHED) for archive in archives):
        return None
    recordings = f"{record['recordings']} recordings, {_checked(archives)}"
    return f"{title} is what was found under its name: {recordings}."


def _checked(archives: list[dict[str, str]]) -> str:
    parts = [f"{Path(archive['file']).name}: {archive['checked']}" for archive in archives]
    return "; ".join(parts) or "not checked: a folder that was unpacked already"
