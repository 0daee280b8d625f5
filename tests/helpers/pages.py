"""The code on a page of the documentation."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each code block of a page, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def write_files(page: str, folder: Path) -> list[Path]:
    """Write the Python blocks of a page into the files that their first lines name."""
    paths = []
    for language, text in blocks(page):
        if language == "python":
            paths.append(folder / text.partition("\n")[0].removeprefix("# "))
            paths[-1].parent.mkdir(exist_ok=True)
            paths[-1].write_text(text)
    return paths
