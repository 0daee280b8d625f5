"""Snakemake's own report: every table and figure with a caption, and the study's page."""

import json
import re
import zipfile

import pytest

pytestmark = pytest.mark.slow


def test_a_zip_with_categories_and_captions(finished):
    done = finished.snakemake("--report", "report-snakemake.zip")
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(finished.folder / "report-snakemake.zip") as archive:
        names = [name for name in archive.namelist() if "/data/raw/" in name]
        kept = {re.sub(".*/", "", name): archive.read(name) for name in names}
        page = "".join(
            archive.read(name).decode()
            for name in archive.namelist()
            if name.endswith((".html", ".js")) and "/data/raw/" not in name
        )
    figures = {f"{name}.{form}" for name in ("curves", "example", "overview")
               for form in ("pdf", "png")}  # fmt: skip
    assert set(kept) == figures | {"table1.csv", "table1.md", "cost.csv", "report.html"}
    for name, content in kept.items():
        path = next(finished.results.rglob(name))
        assert content == path.read_bytes(), name
    for category in ("Tables", "Figures", "Report"):
        assert json.dumps(category) in page
    for words in ("Table table1: the CSV has every number", "What the fits cost",
                  "What each method gains over the observation", "All on one page"):  # fmt: skip
        assert words in page


def test_one_html_file(finished):
    done = finished.snakemake("--report", "report-snakemake.html")
    assert done.returncode == 0, done.stdout
    page = (finished.folder / "report-snakemake.html").read_text(encoding="utf-8")
    assert "What each method gains over the observation" in page
