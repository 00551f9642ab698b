"""docs/: links lead somewhere; a system's page names classes of its files, and its equation stands in the code."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from experiments.cli import build_parser
from experiments.table_files.spec import read_table

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"\[([^\]\n]*)\]\(([^)\s]+)\)")
SYSTEMS = sorted((DOCS / "systems").glob("*.md"))
PARTS = ["Equation", "Code", "Measured", "What to try next"]


def anchors(path: Path) -> set[str]:
    """GitHub's anchors of a page's headings, and those that it writes itself."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)"', text))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for _, target in LINK.findall(path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            name, _, anchor = target.partition("#")
            there = (path.parent / name).resolve() if name else path
            assert there.exists(), target
            assert not anchor or there.suffix != ".md" or anchor in anchors(there), target


def test_the_map_names_every_page() -> None:
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    named = {(DOCS / target.split("#")[0]).resolve() for _, target in LINK.findall(text)}
    assert [path for path in DOCS.rglob("*.md") if path.resolve() not in named | {DOCS / "README.md"}] == []


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_a_system_page_has_its_parts_and_names_what_there_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == PARTS
    assert re.search(r"^!\[[^\]]+\]\(\.\./pictures/\w+\.png\)$", text, re.MULTILINE), "no picture"
    sources = ""
    for name, target in LINK.findall(text):
        if target.endswith(".py"):
            source = (path.parent / target).resolve().read_text(encoding="utf-8")
            sources += source
            tree = ast.parse(source)
            assert name.strip("`") in {of.name for of in tree.body if isinstance(of, ast.ClassDef | ast.FunctionDef)}
    (equation,) = blocks(path, "text")
    written = re.sub(r"\s+", " ", sources.replace("`", ""))
    for line in equation.splitlines():
        assert line in written, f"{line}: in no file that the page names"


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_its_line_of_a_table_names_classes_and_its_command_rows(path: Path) -> None:
    for dotted in re.findall(r"(?:datamodules|lightning_modules)(?:\.\w+)+", "".join(blocks(path, "yaml"))):
        module, _, name = dotted.rpartition(".")
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        assert f" {name}(" in Path(spec.origin).read_text(encoding="utf-8"), dotted
    (command,) = blocks(path, "sh")
    arguments = build_parser().parse_args(command.split()[1:])
    table = read_table(arguments.table, scale=arguments.scale)
    assert [row for row in arguments.rows if row not in table.rows] == []
