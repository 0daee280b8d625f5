"""Would Snakemake fail before it reads the Snakefile? Exits with 1, and says why, if it would.

`make demo` and `make resume` ask first: of a file for --configfile that is missing or no UTF-8, and
of a folder that cannot be written, Snakemake tells by a traceback. Takes Snakemake's arguments.
"""

import argparse
import sys
from pathlib import Path

from dap.errors import DapError
from dap.study.paths import require_folders
from dap.study.yaml_file import load

ROOT = Path(__file__).resolve().parents[1]


def check(arguments: list[str]) -> None:
    """Check the files that Snakemake will read, and the working folder.

    Raises:
        DapError: for the first that is not as it has to be.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", type=Path)
    options, _ = parser.parse_known_args(arguments)
    for path in options.configfile or [ROOT / "config.yaml"]:
        load(path)
    require_folders(".snakemake")


if __name__ == "__main__":
    try:
        check(sys.argv[1:])
    except DapError as error:
        sys.exit(f"Error: {error}")
