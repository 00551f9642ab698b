"""Every code block of README.md and docs/ runs in a test, or is named here with its reason.

``RUN_BY`` says of each page which test file runs how many of its blocks, by language; a test takes them from the page
(``blocks.py``), so that what runs is what stands there. Blocks of settings are read as the file that they are part of.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from experiments.cli import build_parser
from experiments.table_files.spec import TABLES, read_table

from .blocks import INDENTED, PAGES, ROOT, all_blocks

SYSTEM = {"test_links.py": {"text": 1}, "test_system_pages.py": {"yaml": 1, "sh": 1}}  # each page of docs/systems
FINISHED, SLOW, DATA, YAML = "test_finished_runs.py", "test_every_use.py", "test_data_pages.py", "test_yaml_blocks.py"
ENDS = {"&&", "|", ";", ">", "<"}
OWN, README = "test_own_pages.py", "test_readme_commands.py"
RUN_BY: dict[str, dict[str, dict[str, int]]] = {  # page: test file, beside this one or below tests/: language: blocks
    "README.md": {SLOW: {"sh": 1}, README: {"sh": 1}, YAML: {"yaml": 1}},
    "docs/add_a_system.md": {OWN: {"python": 1, "yaml": 1, "sh": 1}},
    "docs/attention.md": {YAML: {"yaml": 1}},
    "docs/bring_your_sounds.md": {"test_bring_your_sounds.py": {"text": 1, "sh": 3, "yaml": 2}},
    "docs/commands.md": {DATA: {"sh": 1, "text": 1}},
    "docs/correct_and_train_again.md": {"test_correct_and_train_again.py": {"sh": 6, "xml": 1}},
    "docs/data.md": {DATA: {"sh": 1}},
    "docs/decoding.md": {DATA: {"python": 2}},
    "docs/demo.md": {SLOW: {"sh": 1}},
    "docs/export.md": {SLOW: {"sh": 2}},
    "docs/import.md": {
        DATA: {"sh": 2, "text": 1},
        YAML: {"yaml": 1},
        "datamodules/test_corpus_changes.py": {"text": 1},
    },
    "docs/language_models.md": {YAML: {"yaml": 2}},
    "docs/launching.md": {FINISHED: {"sh": 3}, "test_slurm_lines.py": {"sh": 1}},
    "docs/pictures.md": {YAML: {"yaml": 4}},
    "docs/predict.md": {FINISHED: {"sh": 2}},
    "docs/pretrained.md": {YAML: {"yaml": 3}, DATA: {"sh": 1}},
    "docs/report.md": {YAML: {"yaml": 2}, SLOW: {"sh": 2}},
    "docs/results.md": {SLOW: {"sh": 1}},
    "docs/scoring_text.md": {DATA: {"sh": 1}},
    "docs/sed.md": {YAML: {"yaml": 2}, FINISHED: {"python": 1, "sh": 1}},
    "docs/sound_event_layouts.md": {DATA: {"sh": 7}},
    "docs/tables.md": {YAML: {"yaml": 6}},
    "docs/tracking.md": {YAML: {"yaml": 1}, FINISHED: {"text": 1}, SLOW: {"sh": 1}},
    "docs/transcribe.md": {SLOW: {"sh": 2}},
    "docs/transfer.md": {YAML: {"yaml": 2}},
    "docs/tutorial.md": {OWN: {"sh": 6, "yaml": 1}},
    "docs/your_speech.md": {OWN: {"text": 1, "sh": 3, "yaml": 1}},
    **{page: SYSTEM for page in PAGES if page.startswith("docs/systems/")},
}
NOT_RUN = {  # page and how the block begins: why
    ("README.md", "make demo"): "sets up a machine and trains for minutes; .ci/run calls these targets' steps",
    ("docs/tutorial.md", "git clone"): "fetches this repository and installs it",
    ("docs/pretrained.md", "pip install"): "installs from an index; the extra is looked up below",
}


@pytest.mark.parametrize("page", PAGES)
def test_each_block_runs_in_a_test_or_says_why_not(page: str) -> None:
    there = Counter[str]()
    for block in all_blocks(page):
        where = f"{page}, line {block.line}"
        assert block.language != INDENTED, f"{where}: fence it, with its language"
        assert block.language, f"{where}: say its language behind the fence: sh, yaml, python, or text of what is shown"
        if not any(page == of and block.text.startswith(start) for of, start in NOT_RUN):
            there[block.language] += 1
    run = sum((Counter(of) for of in RUN_BY.get(page, {}).values()), Counter[str]())
    assert there == run, (
        f"{page}: blocks {dict(there)}, run by tests {dict(run)}. Let a test run the new block (blocks.py: "
        "run_block) and count it in RUN_BY, or say in NOT_RUN why no test can"
    )


@pytest.mark.parametrize("page", RUN_BY)
def test_the_named_tests_take_their_blocks_from_the_page(page: str) -> None:
    for name in RUN_BY[page]:
        tests = Path(__file__).parents[1]
        text = (tests / name if "/" in name else Path(__file__).with_name(name)).read_text(encoding="utf-8")
        assert page in text or RUN_BY[page] is SYSTEM, f"{name}: does not name {page}"
        assert "blocks(" in text, f"{name}: takes no blocks from a page"
        assert "def test_" in text


def commands(page: str) -> list[list[str]]:
    """The words behind ``earmark`` of each line of its ``sh`` blocks that begins so, up to a pipe."""
    found = []
    for line in (line for block in all_blocks(page) if block.language == "sh" for line in block.text.splitlines()):
        if line.startswith("earmark "):
            words = shlex.split(line, comments=True)[1:]
            found.append(words[: next((place for place, word in enumerate(words) if word in ENDS), len(words))])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_commands_parse_and_name_what_there_is(page: str) -> None:
    """Those of tests that are slow, too."""
    parser = build_parser()
    for words in commands(page):
        arguments, rest = parser.parse_known_args(words)
        assert not rest or words[0] == "fit", words
        if (TABLES / f"{vars(arguments).get('table')}.yaml").is_file():
            table = read_table(arguments.table, scale=arguments.scale)
            assert {*arguments.rows} <= {*table.rows, *table.grids}, words


def test_the_pages_have_commands() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 120


def test_reasons_are_of_blocks_that_there_are() -> None:
    for page, start in NOT_RUN:
        assert [block for block in all_blocks(page) if block.text.startswith(start)], (page, start)


def test_extras_and_targets_that_blocks_name_are_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert {*re.findall(r"earmark\[(\w+)\]", text)} <= extras.keys(), page
        for block in all_blocks(page):
            for target in re.findall(r"^make ([\w-]+)", block.text, re.MULTILINE):
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"
