"""``earmark data NAME``: prepare a corpus, once, and say what it is: licences, digest, clips, events by class.

Exit code 3 where the machine has no apt-get, so that a script can fall back on the synthetic tones and on nothing else:
a failed download on a machine that has it is code 2.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datamodules.corpus_folder import CorpusCard

EXAMPLE = """examples:
  earmark data soundscapes --scale demo     real events over real backgrounds (fetches the soundbank first)
  earmark data soundbank                    the recordings alone, by class and family
  earmark data tones --scale tiny           synthetic clips in the same layout, in a second

Corpora live under data/ in the current folder; EARMARK_DATA moves it. What is there is not made again."""
NO_PACKAGE_MANAGER = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Prepare a corpus and print its licences and digest."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("corpus", choices=("soundbank", "soundscapes", "tones"), help="which corpus")
    parser.add_argument("--scale", help="soundscapes: demo (default) or full; tones: tiny or demo (default)")
    parser.add_argument("--seed", type=_seed, default=0, help="another draw of the same corpus (default 0)")
    parser.add_argument("--rebuild", action="store_true", help="make it again although it is there")


def run(arguments: argparse.Namespace) -> int:
    """Prepare and describe; returns the exit code. Raises ``UserError`` with one line for what failed."""
    from datamodules.corpora.debian import NoPackageManagerError
    from experiments.errors import UserError

    try:
        there = not arguments.rebuild and _is_there(arguments)
        card = _prepare(arguments)
    except NoPackageManagerError as error:
        print(f"earmark: error: {error}", file=sys.stderr)
        return NO_PACKAGE_MANAGER
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error
    print("\n".join(_describe(card, there)))
    return 0


def _seed(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: a whole number, 0 or more")
    return int(text)


def _is_there(arguments: argparse.Namespace) -> bool:
    from datamodules.corpus_folder import CorpusMissingError, corpus_name, read_card

    name = arguments.corpus
    if name != "soundbank":
        name = corpus_name(name, scale=arguments.scale or "demo", seed=arguments.seed)
    try:
        read_card(name)
    except CorpusMissingError:
        return False
    return True


def _prepare(arguments: argparse.Namespace) -> CorpusCard:
    if arguments.corpus == "soundbank":
        from datamodules.corpora import soundbank

        if arguments.scale is not None or arguments.seed:
            raise ValueError(
                "soundbank: --scale and --seed are of soundscapes and tones; the soundbank is always whole"
            )
        return soundbank.prepare(rebuild=arguments.rebuild)
    if arguments.corpus == "soundscapes":
        from datamodules import soundscapes

        return soundscapes.prepare(arguments.scale, seed=arguments.seed, rebuild=arguments.rebuild)
    from datamodules import tones

    return tones.prepare(arguments.scale, seed=arguments.seed, rebuild=arguments.rebuild)


def _describe(card: CorpusCard, there: bool) -> list[str]:
    from datamodules.corpora import soundbank
    from datamodules.corpora.summary import summarise_bank, summarise_clips
    from datamodules.corpus_folder import data_root

    folder = data_root() / card.name
    return [
        f"{card.name}: {'already there' if there else 'prepared'} in {folder}",
        card.description + ("; synthetic, no sound in it was ever recorded" if card.synthetic else ""),
        "",
        *(summarise_bank() if card.name == soundbank.NAME else summarise_clips(folder, card)),
        "",
        *(f"licence of {source}: {licence}" for source, licence in card.licences.items()),
        f"digest {card.digest}",
    ]
