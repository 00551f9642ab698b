"""``earmark data NAME``: prepare a corpus, once, and say what it is: licences, digest, clips by class or language.

Exit code 3 where the machine has no apt-get, so that a script can fall back on the synthetic tones and on nothing else:
a failed download on a machine that has it is code 2.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import TYPE_CHECKING

from experiments.commands.data import check_data, import_data, mix_soundscapes
from experiments.commands.data.next_plan import next_words
from experiments.commands.data.own_corpora import SCALED, WHOLE
from experiments.commands.shell.next_command import say_next

if TYPE_CHECKING:
    from datamodules.corpus_folder import CorpusCard

EXAMPLE = """examples:
  earmark data soundscapes --scale demo     real events over real backgrounds (fetches the soundbank first)
  earmark data soundscapes --scale study    five folds: every recording is a test recording in one of them
  earmark data soundscapes --soundbank kitchen/ --name kitchen-scapes   the same of your own class/*.wav
  earmark data soundbank                    the recordings alone, by class and family
  earmark data tones --scale tiny           synthetic clips in the same layout, in a second
  earmark data prompts                      real speech with texts: telephone prompts in five languages
  earmark data fillets                      real speech with texts: Czech and Dutch dialogues of a game
  earmark data spoken_tones --scale tiny    synthetic speech in the same layout: every character is a tone
  earmark data import mine --train my.tsv   your own manifests as a corpus, audio in place
  earmark data check mine                   what is wrong with a corpus, a manifest or labels

Corpora live under data/ in the current folder; EARMARK_DATA moves it. What is there is not made again."""
NO_PACKAGE_MANAGER = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Prepare a corpus and print its licences and digest."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    corpora = parser.add_subparsers(dest="corpus", metavar="NAME", required=True, title="corpora")
    for name, (summary, _) in (SCALED | WHOLE).items():
        corpus = corpora.add_parser(name, help=summary, description=f"Prepare {name}: {summary}.")
        corpus.epilog = f"example:\n  earmark data {name}{' --scale demo' if name in SCALED else ''}"
        corpus.formatter_class = argparse.RawDescriptionHelpFormatter
        corpus.add_argument("--scale", help="tiny, demo (default), study or full, where the corpus has it")
        corpus.add_argument("--seed", type=_seed, default=0, help="another draw of the same corpus (default 0)")
        corpus.add_argument("--rebuild", action="store_true", help="make it again although it is there")
        if name == "soundscapes":
            mix_soundscapes.add_arguments(corpus)
    for name, command, summary in (
        ("import", import_data, "a corpus from your own manifests"),
        ("check", check_data, "find what is wrong with a corpus, or with your own manifests and labels"),
    ):
        verb = corpora.add_parser(name, help=summary)
        command.add_arguments(verb)
        verb.set_defaults(run=command.run)


def run(arguments: argparse.Namespace) -> int:
    """Prepare and describe; returns the exit code. Raises ``UserError`` with one line for what failed."""
    from datamodules.corpora.debian import NoPackageManagerError
    from datamodules.corpus_changes import check_files
    from experiments.errors import UserError

    try:
        for scale in _scales(arguments):
            arguments.scale = scale
            there = not arguments.rebuild and _is_there(arguments)
            card = _prepare(arguments)
            if there:
                check_files(card.name)
            print("\n".join(_describe(card, there)))
        say_next(*next_words(card))
    except NoPackageManagerError as error:
        print(f"earmark: error: {error}", file=sys.stderr)
        return NO_PACKAGE_MANAGER
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error
    return 0


def _seed(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: a whole number, 0 or more")
    return int(text)


def _has_own_bank(arguments: argparse.Namespace) -> bool:
    return arguments.corpus == "soundscapes" and arguments.soundbank is not None


def _scales(arguments: argparse.Namespace) -> tuple[str | None, ...]:
    """What one call prepares: of soundscapes' study each fold, one after the other."""
    if arguments.corpus != "soundscapes" or _has_own_bank(arguments):
        return (arguments.scale,)
    from datamodules.corpora.sounds import soundscapes

    return soundscapes.scales(arguments.scale)


def _is_there(arguments: argparse.Namespace) -> bool:
    from datamodules.corpus_folder import CorpusMissingError, corpus_name, read_card

    name = arguments.corpus
    if _has_own_bank(arguments):
        return False
    if name in SCALED:
        name = corpus_name(name, scale=arguments.scale or "demo", seed=arguments.seed)
    try:
        read_card(name)
    except CorpusMissingError:
        return False
    return True


def _prepare(arguments: argparse.Namespace) -> CorpusCard:
    name, rebuild = arguments.corpus, arguments.rebuild
    card: CorpusCard
    if _has_own_bank(arguments):
        return mix_soundscapes.mix(arguments)
    if name == "soundscapes":
        mix_soundscapes.refuse_without_bank(arguments)
    if name in SCALED:
        module = importlib.import_module(SCALED[name][1])
        card = module.prepare(arguments.scale, seed=arguments.seed, rebuild=rebuild)
    else:
        if arguments.scale is not None or arguments.seed:
            raise ValueError(f"{name}: --scale and --seed are of {', '.join(SCALED)}; {name} is always whole")
        card = importlib.import_module(WHOLE[name][1]).prepare(rebuild=rebuild)
    return card


def _describe(card: CorpusCard, there: bool) -> list[str]:
    from datamodules.corpora.sounds import soundbank
    from datamodules.corpora.speech.speech_summary import summarise_speech
    from datamodules.corpora.summary import summarise_bank, summarise_clips
    from datamodules.corpus_folder import data_root

    folder = data_root() / card.name
    if not card.classes:
        summary = summarise_speech(folder)
    else:
        summary = summarise_bank() if card.name == soundbank.NAME else summarise_clips(folder, card)
    return [
        f"{card.name}: {'already there' if there else 'prepared'} in {folder}",
        card.description + ("; synthetic, no sound in it was ever recorded" if card.synthetic else ""),
        "",
        *summary,
        "",
        *(f"licence of {source}: {licence}" for source, licence in card.licences.items()),
        f"digest {card.digest}",
    ]
