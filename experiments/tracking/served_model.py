"""An MLflow model of files that run by themselves: signature, example, and what must be installed to serve it.

From code, not from a pickle: what MLflow loads is a script that it copies, so it needs no class of earmark.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types.schema import Array, ColSpec, DataType, Map, Object, Property, Schema

HEARD = Schema([ColSpec(DataType.string, "wav", required=False), ColSpec(Array(DataType.double), "samples", required=False)])
EVENT = Object(
    [
        Property("onset_seconds", DataType.double),
        Property("offset_seconds", DataType.double),
        Property("label", DataType.string),
    ]
)
EVENTS = Schema([ColSpec(Array(EVENT), "events"), ColSpec(Map(DataType.double), "tags")])
TEXT = Schema([ColSpec(DataType.string, "text")])


def save_served_model(
    path: Path, *, script: Path, package: Path, exported: Path, speech: bool, wav: str, requirements: Sequence[str]
) -> None:
    """Write an MLflow model: ``script`` sets the model, ``package`` is what it imports, ``exported`` what it reads.

    ``wav`` is the example, a sound file in base64.
    """
    example: dict[str, Any] = {"wav": [wav]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a list may hold nothing
        mlflow.pyfunc.save_model(
            path=str(path), python_model=str(script), code_paths=[str(package)],
            artifacts={"exported": str(exported)}, pip_requirements=list(requirements),
            signature=ModelSignature(inputs=HEARD, outputs=TEXT if speech else EVENTS),
            input_example=pd.DataFrame(example),
        )  # fmt: skip
