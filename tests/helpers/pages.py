"""The documentation's examples, and the code on its pages."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each code block of a page, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```(.*?)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def write_examples(folder: Path) -> None:
    """Put the examples of docs/extending.md into a folder."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
