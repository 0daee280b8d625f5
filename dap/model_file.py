"""What a trained model's file says of itself, read without its network."""

import json
from pathlib import Path
from typing import Any

from dap.errors import DapError

FORMAT = "dap model 1"
KEY = "dap"  # of the file's metadata


def description(path: Path) -> dict[str, Any]:
    """`configuration` and `made` of a model, as they were given to `dap.training.model.content`.

    Raises:
        DapError: the file is not there, is no model, or one of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            described = json.loads((file.metadata() or {}).get(KEY, "{}"))
    except OSError as error:
        raise DapError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (SafetensorError, ValueError) as error:
        raise DapError(f"{path}: is no model (no safetensors file): {error}") from error
    if described.get("format") != FORMAT:
        raise DapError(
            f"{path}: is no model of dap, or one of another version (its format is "
            f"{described.get('format')!r}, not {FORMAT!r}): train it again"
        )
    return described
