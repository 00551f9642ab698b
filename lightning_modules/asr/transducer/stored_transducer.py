"""A transducer's ``decoder.pt``: prediction network and joiner beside a run's encoded utterances."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lightning_modules.asr.attention.stored_decoder import (
    check_symbols,
    core_arguments,
    core_settings,
    read_decoder,
    save_decoder,
)
from lightning_modules.layers.predictor import AttendingPredictor, Predictor, PredictorMaker, RecurrentPredictor
from lightning_modules.layers.transducer import TransducerNetwork

TRANSDUCER = "transducer"


def save_transducer(folder: Path, network: TransducerNetwork, *, symbols: Sequence[str]) -> None:
    """Store it. Raises ``ValueError`` for a prediction network of a foreign class, which could not be read back."""
    frames = network.joiner.frames
    arguments = {
        "num_encoded": frames.in_features,
        "joint_units": frames.out_features,
        "predictor": predictor_arguments(network.predictor),
    }
    save_decoder(folder, network, kind=TRANSDUCER, symbols=symbols, arguments=arguments)


def load_transducer(folder: Path, *, symbols: Sequence[str]) -> TransducerNetwork:
    """The transducer of a run's predictions, ready to be asked: on the CPU, in float64.

    Raises ``ValueError`` where there is none, and where it writes other symbols.
    """
    content = read_decoder(folder, kind=TRANSDUCER)
    check_symbols(folder, content["symbols"], symbols)
    arguments = content["arguments"]
    network = TransducerNetwork(
        num_symbols=len(symbols),
        num_encoded=arguments["num_encoded"],
        predictor=_predictor_maker(arguments["predictor"]),
        joint_units=arguments["joint_units"],
    )
    network.load_state_dict(content["state_dict"])
    return network.double().eval().requires_grad_(False)


def predictor_arguments(predictor: Predictor) -> dict[str, Any]:
    """Plain values that rebuild a prediction network. Raises ``ValueError`` for one of a foreign class."""
    if type(predictor) is RecurrentPredictor:
        return {"recurrent": predictor.arguments()}
    if type(predictor) is AttendingPredictor:
        return {"attending": core_arguments(predictor.core)}
    raise ValueError(
        f"predictor {type(predictor).__name__} can't be stored, allowed: RecurrentPredictor, AttendingPredictor"
    )


def _predictor_maker(arguments: dict[str, Any]) -> PredictorMaker:
    if "recurrent" in arguments:
        return partial(RecurrentPredictor, **arguments["recurrent"])
    return partial(AttendingPredictor, speller=core_settings(arguments["attending"])["settings"])
