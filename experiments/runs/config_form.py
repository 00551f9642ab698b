"""One form for all spellings of a configuration that train alike: it tells a plan that an edited file changed nothing.

A key is made of the configuration as it is written, and so is that of every run that there is; the form stands beside
it. Alike are ``encoder: a.Class`` and ``{class_path: a.Class}``, an argument that says its own default, an integer for
a float, and settings that no result depends on. What a plan cannot be sure of stays as it is written: an argument of an
installed package, a default that is no literal, and whatever is ``int | float``, where 1 and 1.0 may be two things.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from experiments.runs.signatures import Parameter, as_floats, as_json, parameters
from experiments.table_files.merge import Config

# Of sections whose classes no plan reads. limit_*_batches and their like are missing on purpose: 1 is one batch there,
# and 1.0 all of them.
NO_RESULT = {"trainer": ("log_every_n_steps",)}
NUMBERS = {"trainer": ("gradient_clip_val",)}
DEFAULTS = {"checkpoint": {"patience_epochs": None, "average": None}}
DRAWN = "num_pictures"  # of earmark's scoring classes
_REQUIRED = Parameter(takes_floats=False, default=None)
_UNKNOWN = Parameter(takes_floats=False, default="?")


def form_key(config: Config, *, stage: str) -> str:
    """Digest of the form of a merged configuration, sixteen hexadecimal digits."""
    return hashlib.sha256(json.dumps([stage, form(config)], sort_keys=True).encode()).hexdigest()[:16]


def form(config: Config) -> Config:
    """The configuration as any other spelling of the same training has it."""
    return {section: _section(section, value) for section, value in config.items()}


def _section(name: str, value: Any) -> Any:
    if not isinstance(value, dict) or "class_path" in value:
        return _form(value, _REQUIRED)
    numbers, left_out, defaults = NUMBERS.get(name, ()), NO_RESULT.get(name, ()), DEFAULTS.get(name, {})
    return {
        key: as_floats(item) if key in numbers else _form(item, _UNKNOWN)
        for key, item in value.items()
        if key not in left_out and not (key in defaults and item == defaults[key])
    }


def _form(value: Any, parameter: Parameter) -> Any:
    if isinstance(value, list):
        return as_floats(value) if parameter.takes_floats else [_form(item, _UNKNOWN) for item in value]
    if isinstance(value, dict) and "class_path" in value:
        return _class(value["class_path"], value.get("init_args") or {}, parameter)
    if isinstance(value, dict):
        return {key: _form(item, _UNKNOWN) for key, item in value.items()}
    return as_floats(value) if parameter.takes_floats else value


def _class(path: str, arguments: Config, parameter: Parameter) -> Any:
    """A class, as bare text where no argument is left.

    Arguments that say their defaults are left out, but not below a parameter whose own default may be such a class.
    """
    known = parameters(path)
    sure = parameter.default in (None, "null")
    ours = path.split(".")[0] == "lightning_modules"
    left: Config = {}
    for name, item in arguments.items():
        own = known.get(name, _UNKNOWN)
        value = _form(item, own)
        is_default = sure and own.default == as_json(value, takes_floats=own.takes_floats)
        if not (is_default or (name == DRAWN and ours)):
            left[name] = value
    return {"class_path": path, "init_args": left} if left else path
