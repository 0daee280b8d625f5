"""What a run says of where a known corpus came from, by the file that its unpacking leaves."""

import json
from pathlib import Path

PUBLISHED = "as published"


def checked(origin: Path) -> str:
    """Against what the archives were checked, in words."""
    archives = json.loads(origin.read_text(encoding="utf-8"))["archives"]
    found = [f"{Path(row['file']).name}: {row['checked']}" for row in archives]
    return "; ".join(found) or "not checked: a folder that was unpacked already"


def caveat(title: str, origin: Path) -> str | None:
    """What a table has to say of a corpus that may not be what its title says, or None."""
    facts = json.loads(origin.read_text(encoding="utf-8"))
    if all(row["checked"].endswith(PUBLISHED) for row in facts["archives"]) and facts["archives"]:
        return None
    what = f"{facts['recordings']} recordings, {checked(origin)}"
    return f"{title} is what was found under its name: {what}."
