"""Where the Azure LLM inference traces 2023 may lie; they are no part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDERS = (os.environ.get("AZURE_LLM_TRACES", ""), str(Path(__file__).parents[4] / "shared" / "data"))


def azure_log(name: str) -> Path:
    """The log `conv` or `code`; skips the test if it is not on this machine."""
    for folder in filter(None, _FOLDERS):
        path = Path(folder) / f"azure_llm_inference_2023_{name}.csv"
        if path.exists():
            return path
    pytest.skip(f"the Azure log {name} is not here; set AZURE_LLM_TRACES to the folder that has it")
