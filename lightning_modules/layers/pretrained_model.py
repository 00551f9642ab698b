"""A pretrained model out of a local folder, as transformers' ``save_pretrained`` writes it.

Nothing comes from a network, and weights come from safetensors alone, since a pickle can run code. transformers fills
weights that a folder lacks with random numbers; here that is an error.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from datamodules.model_folders import fetching_command, found_folder
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.speech_features import SPEECH_FEATURES

SAMPLE_RATE_HZ = 16000  # of the audio that wav2vec 2.0 and Whisper were trained on
LAYOUT = "config.json and model.safetensors, as save_pretrained writes them"


def load_pretrained(folder: str, *, model_type: str, may_lack: Collection[str] = (), **settings: Any) -> Any:
    """The bare model of a folder, in float32 and training mode; ``settings`` replace some of its configuration.

    ``may_lack`` are weights that are drawn anew where the folder does not have them. Raises ``ValueError`` in one line
    for a folder that is missing, of another ``model_type``, without safetensors or with other weights than its
    configuration needs, and where transformers is not installed.
    """
    transformers, safetensors = _packages()
    _check_folder(folder, model_type=model_type)
    try:
        with _quiet(transformers.utils.logging):
            model, report = transformers.AutoModel.from_pretrained(
                found_folder(folder),
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                dtype="float32",
                output_loading_info=True,
                **settings,
            )
    except (OSError, RuntimeError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise ValueError(f"folder {folder!r} cannot be read: {' '.join(str(error).split())}") from error
    if lacking := sorted(set(report["missing_keys"]) - set(may_lack)):
        raise ValueError(
            f"folder {folder!r} lacks {len(lacking)} weights that its config.json asks for: {', '.join(lacking[:3])}"
        )
    return model.train()  # it comes in eval mode, which Lightning would leave it in


def load_tokenizer(folder: str) -> Any:
    """The tokenizer of a folder. Raises ``ValueError`` where there is none that can be read."""
    transformers, _ = _packages()
    path = found_folder(folder)
    if not (path / "tokenizer.json").is_file():
        raise ValueError(f"folder {folder!r} has no tokenizer.json, without which a whisper model writes no text")
    try:
        return transformers.AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    except (OSError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise ValueError(f"folder {folder!r}: tokenizer.json cannot be read: {' '.join(str(error).split())}") from error


def load_generation(folder: str) -> dict[str, Any]:
    """``generation_config.json`` of a folder. Raises ``ValueError`` where there is none that can be read."""
    try:
        found = json.loads((found_folder(folder) / "generation_config.json").read_text(encoding="utf-8"))
        return dict(found)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"folder {folder!r}: generation_config.json cannot be read: {error}") from error


def check_settings(model_type: str, *, sample_rate_hz: int, settings: LogMelSettings) -> None:
    """Raise ``ValueError`` for another sample rate, and for log-mel settings, which the model brings itself."""
    if sample_rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(
            f"sample_rate_hz of the corpus is {sample_rate_hz}, a {model_type} encoder hears {SAMPLE_RATE_HZ} alone"
        )
    if settings != SPEECH_FEATURES:
        raise ValueError(f"features: a {model_type} encoder brings its own; leave them out (unset: [model.features])")


def kaldi_filters(fft_samples: int, num_mels: int) -> torch.Tensor:
    """Kaldi's mel filters from 20 Hz to half of the sample rate: (bins of the spectrum, ``num_mels``)."""
    from transformers.audio_utils import mel_filter_bank

    filters_KM = mel_filter_bank(
        num_frequency_bins=fft_samples // 2 + 1,
        num_mel_filters=num_mels,
        min_frequency=20,
        max_frequency=SAMPLE_RATE_HZ // 2,
        sampling_rate=SAMPLE_RATE_HZ,
        norm=None,
        mel_scale="kaldi",
        triangularize_in_mel_space=True,
    )
    return torch.from_numpy(filters_KM).float()


def _packages() -> tuple[Any, Any]:
    try:
        import safetensors
        import transformers
    except ImportError as error:
        raise ValueError(
            f"a pretrained encoder needs the package {error.name}: pip install 'earmark[pretrained]'"
        ) from None
    return transformers, safetensors


def _check_folder(named: str, *, model_type: str) -> None:
    folder = found_folder(named)
    if not folder.is_dir():
        fetch = f"; run: {command}" if (command := fetching_command(named)) else ""
        raise ValueError(f"folder '{folder}' is no folder; allowed: a local one with {LAYOUT}{fetch}")
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except FileNotFoundError:
        raise ValueError(f"folder '{folder}' has no config.json; it needs {LAYOUT}") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"folder '{folder}': its config.json says no model_type, allowed: {model_type!r}") from None
    if found != model_type:
        raise ValueError(f"folder '{folder}': its config.json says model_type {found!r}, allowed: {model_type!r}")
    if not any((folder / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json")):
        weights = sorted(
            path.name for pattern in ("*.bin", "*.h5", "*.msgpack", "*.pt") for path in folder.glob(pattern)
        )
        raise ValueError(
            f"folder '{folder}' has no model.safetensors (weights found: {', '.join(weights) or 'none'}); "
            f"it needs {LAYOUT}"
        )


@contextmanager
def _quiet(logging: Any) -> Iterator[None]:
    """No progress bar, and no report of the weights that the bare model has no use for."""
    level, had_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if had_bar:
            logging.enable_progress_bar()
