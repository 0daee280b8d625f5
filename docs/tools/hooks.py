"""What MkDocs builds beside the pages of docs/: pages made of the code, and files that are linked.

A page may link to any file of the repository, as it is read on a code host: `../results/README.md`.
On the site that is a page of its own, or a copy of the file.
"""

import os
import posixpath
import re
import sys
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from mkdocs.structure.files import File, Files  # noqa: E402
from mkdocs.structure.pages import Page  # noqa: E402
from schema_page import page as schema_page  # noqa: E402
from studies_page import page as studies_page  # noqa: E402

# files of the repository that are pages of the site
PAGES = {
    "README.md": "index.md",
    "results/README.md": "reference/run.md",
    "dap/study/schema.yaml": "reference/study.md",
    "CHANGELOG.md": "reference/changelog.md",
    "CONTRIBUTING.md": "reference/contributing.md",
}
COPIES = "source"
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made, and copies of the files that pages link to."""
    made = {
        "reference/study.md": (schema_page(), "docs/study.md"),
        "reference/studies.md": (studies_page(), "docs/studies.md"),
    }
    for path, page in PAGES.items():
        if path.endswith(".md") and page != "index.md":
            made[page] = ((ROOT / path).read_text(encoding="utf-8"), path)
    texts = {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    for page, (text, path) in made.items():
        files.append(File.generated(config, page, content=relinked(text, path, page)))
        texts[path] = text
    for path in sorted({path for page, text in texts.items() for path in outside(text, page)}):
        copy = {"abs_src_path": str(ROOT / path)}
        if not path.endswith(".md"):
            files.append(File.generated(config, f"{COPIES}/{path}", **copy))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Have links out of docs/ lead to pages or copies."""
    if page.file.generated_by:
        return markdown
    return relinked(markdown, f"docs/{page.file.src_uri}", page.file.src_uri)


def targets(text: str, path: str) -> list[tuple[str, str]]:
    """The addresses of a page's links to files, and the files, relative to the repository."""
    found = []
    for _, address, _ in LINK.findall(text):
        if re.match(r"[a-z]+:", address) or address.startswith("/"):
            continue
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), address))
        found.append((address, file))
    return found


def outside(text: str, path: str) -> list[str]:
    """The files of the repository, but for those below docs/, that a page links to."""
    files = [file for _, file in targets(text, path) if not file.startswith("docs/")]
    return [file for file in files if (ROOT / file).is_file()]


def relinked(text: str, path: str, page: str) -> str:
    """A page's text, with links as the site has them.

    Args:
        path: from which the links are relative now, in the repository.
        page: where the text stands on the site.
    """
    places = {address: _place(file, page) for address, file in targets(text, path)}

    def replaced(match: re.Match) -> str:
        place = places.get(match[2])
        if place is None:
            return match[0]
        start = PurePosixPath(page).parent.as_posix()
        return f"{match[1]}{posixpath.relpath(place, start)}{match[3]}"

    return LINK.sub(replaced, text)


def _place(file: str, page: str) -> str:
    if PAGES.get(file, page) != page:
        return PAGES[file]
    return file.removeprefix("docs/") if file.startswith("docs/") else f"{COPIES}/{file}"


def on_post_build(config: Any) -> None:
    """Refuse a site that would load something from elsewhere.

    Raises:
        SystemExit: it would; the message names the page.
    """
    loads = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=[\"']?(https?:[^\"'\s>]+)")
    for folder, _, names in os.walk(config.site_dir):
        for name in names:
            if name.endswith(".html"):
                path = Path(folder, name)
                for address in loads.findall(path.read_text(encoding="utf-8")):
                    raise SystemExit(f"{path}: loads {address}: bundle it")
