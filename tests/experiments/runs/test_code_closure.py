"""A user's code, however it lies: every file that a run imports is in its key, or the table is refused by its place."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.runs import code_closure, keys
from experiments.table_files.spec import TABLES, read_table
from experiments.table_files.yaml_files import read_yaml


def forget() -> None:
    for cached in (code_closure.closure, code_closure._imported, code_closure._spec, code_closure._is_installed,
                   code_closure._recorded, code_closure._is_dependency, keys._file_digest):  # fmt: skip
        cached.cache_clear()
    importlib.invalidate_caches()


class OwnCode:
    """Files in a folder on ``sys.path``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def digests(self, class_path: str, *imports: str) -> dict[str, str]:
        """As a new process finds them."""
        forget()
        config = {"model": {"class_path": class_path, "init_args": {}}}
        found = keys.code_digests(config, recipe_version="1", imports=imports)
        return {module: of for module, of in found.items() if module != "recipe"}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnCode]:
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield OwnCode(folder)
    forget()


LOSS = "WEIGHT = 1\n"
CASES = {
    "a single file": ({"own_net.py": LOSS}, "own_net.Net", "own_net", "own_net.py"),
    "a namespace package": ({"own_space/net.py": LOSS}, "own_space.net.Net", "own_space", "own_space/net.py"),
    "a dotted import": (
        {"own_pkg/__init__.py": "", "own_pkg/model.py": LOSS},
        "own_pkg.model.Net", "own_pkg.model", "own_pkg/model.py",
    ),
    "a sibling": (
        {"own_a/__init__.py": "", "own_a/net.py": "from own_b.loss import WEIGHT\n", "own_b/__init__.py": "",
         "own_b/loss.py": LOSS},
        "own_a.net.Net", "own_a", "own_b/loss.py",
    ),
    "a sibling's namespace": (
        {"own_net.py": "def f():\n    import own_space.loss\n", "own_space/loss.py": LOSS},
        "own_net.Net", "own_net", "own_space/loss.py",
    ),
    "a namespace in a namespace": (
        {"own_space/inner/net.py": "from own_space.inner.deep import loss\n", "own_space/inner/deep/loss.py": LOSS},
        "own_space.inner.net.Net", "own_space", "own_space/inner/deep/loss.py",
    ),
    "a module that is called as one of Python's": (
        {"own_net.py": "import zipapp\n", "zipapp.py": LOSS}, "own_net.Net", "own_net", "zipapp.py",
    ),
    "a sibling beside what pip put into the same folder": (
        {"own_net.py": "import own_loss, there\n", "own_loss.py": LOSS, "there.py": "exec(input())\n",
         "there-1.dist-info/RECORD": "there.py,sha256=0,1\nthere-1.dist-info/RECORD,,\n"},
        "own_net.Net", "own_net", "own_loss.py",
    ),
    "import_module by another name, from another package": (
        {"own_net.py": "from importlib import import_module as load\nload('.loss', package='own_pkg')\n",
         "own_pkg/__init__.py": "", "own_pkg/loss.py": LOSS},
        "own_net.Net", "own_net", "own_pkg/loss.py",
    ),
    "import_module of a literal": (
        {"own_net.py": "import importlib\nm = importlib.import_module('own_loss')\n", "own_loss.py": LOSS},
        "own_net.Net", "own_net", "own_loss.py",
    ),
    "a relative import_module": (
        {"own_pkg/__init__.py": "", "own_pkg/net.py": "from importlib import import_module as i, import_module\n"
         "import_module('.loss', __package__)\n", "own_pkg/loss.py": LOSS},
        "own_pkg.net.Net", "own_pkg", "own_pkg/loss.py",
    ),
    "an import after a change of sys.path that finds it all the same": (
        {"own_net.py": "import sys\nsys.path.append('x')\nimport own_loss\n", "own_loss.py": LOSS},
        "own_net.Net", "own_net", "own_loss.py",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "class_path", "imports", "edited"), CASES.values(), ids=CASES)
def test_an_edit_changes_the_code_part(
    own: OwnCode, files: dict[str, str], class_path: str, imports: str, edited: str
) -> None:
    own.write(files)
    before = own.digests(class_path, imports)
    own.write({edited: LOSS.replace("1", "2")})
    after = own.digests(class_path, imports)
    assert keys.differing_files(before, after) == [edited.removesuffix(".py").replace("/", ".")]


def test_compiled_code_is_in_it_by_its_bytes(own: OwnCode) -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    own.write({"own_net.py": "import own_fast\n", f"own_fast{suffix}": "one\r\n"})
    before = own.digests("own_net.Net", "own_net")
    own.write({f"own_fast{suffix}": "one\n"})
    assert keys.differing_files(before, own.digests("own_net.Net", "own_net")) == ["own_fast"]


REFUSED = {
    "a name of the run's": ("import importlib\n\nimportlib.import_module(input())\n", "own_net.py:3: import_module"),
    "a renamed import_module": (
        "def f(name):\n    return load(name)\n\nfrom importlib import import_module as load\n",
        "own_net.py:2: import_module",
    ),
    "an import_module that is handed on": (
        "import importlib\nload = importlib.import_module\n",
        "own_net.py:2: import_m",
    ),
    "a literal relative to what a run decides": (
        "import importlib\nimportlib.import_module('.loss', input())\n",
        "own_net.py:2: import_module",
    ),
    "__import__": ("__import__(input())\n", "own_net.py:1: __import__"),
    "exec": ("class Net:\n    exec(open('loss.py').read())\n", "own_net.py:2: exec"),
    "__path__": ("__path__.append('/elsewhere')\n", "own_net.py:1: __path__"),
    "a file by its place": ("import runpy\nrunpy.run_path('loss.py')\n", "own_net.py:2: run_path"),
    "sys.path": ("import sys\nsys.path.append('/elsewhere')\nimport own_far\n", "'own_far', which is not found here"),
    "no Python": ("def f(:\n", "own_net.py:1: not Python"),
}


@pytest.mark.parametrize(("text", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_followed_is_refused_by_its_place(own: OwnCode, text: str, says: str) -> None:
    own.write({"own_net.py": text})
    with pytest.raises(UserError, match=says) as error:
        own.digests("own_net.Net", "own_net")
    assert "\n" not in str(error.value)


def test_a_module_in_an_archive_is_refused(own: OwnCode, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(own.folder / "more.zip", "w") as archive:
        archive.writestr("own_zipped.py", LOSS)
    monkeypatch.syspath_prepend(str(own.folder / "more.zip"))
    own.write({"own_net.py": "import own_zipped\n"})
    with pytest.raises(UserError, match="module 'own_zipped' has no source"):
        own.digests("own_net.Net", "own_net")


def test_installed_packages_and_optional_imports_end_the_search(own: OwnCode, tmp_path: Path) -> None:
    own.write(
        {"own_net.py": "import torch, numpy.linalg, os.path\ntry:\n    import absent_one\nexcept ImportError: 1\n"}
    )
    assert set(own.digests("own_net.Net", "own_net")) == {"own_net"}
    target = tmp_path / "target"  # as pip install --target makes it
    (target / "there-1.0.dist-info").mkdir(parents=True)
    (target / "there-1.0.dist-info" / "RECORD").write_text("there.py,sha256=0,1\n")
    (target / "there.py").write_text("import importlib\nimportlib.import_module(input())\n")
    own.write({"own_net.py": "import there\n"})
    sys.path.append(str(target))
    try:
        assert set(own.digests("own_net.Net", "own_net")) == {"own_net"}
    finally:
        sys.path.remove(str(target))


def test_an_installed_package_that_a_table_names_is_followed_and_never_refused(own: OwnCode, tmp_path: Path) -> None:
    site = tmp_path / "site-packages" / "there"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("import importlib, own_loss\nimportlib.import_module(input())\n")
    own.write({"own_loss.py": LOSS})
    sys.path.append(str(site.parent))
    try:
        assert set(own.digests("there.Net", "there")) == {"there", "own_loss"}
    finally:
        sys.path.remove(str(site.parent))


def test_a_method_called_exec_is_no_import(own: OwnCode) -> None:
    own.write({"own_net.py": "def f(dialog, package):\n    return dialog.exec(), package.__path__\n"})
    assert set(own.digests("own_net.Net", "own_net")) == {"own_net"}


def test_shipped_tables_have_earmarks_own_files_alone() -> None:
    for path in sorted(TABLES.glob("*.yaml")):
        table = read_table(path.stem, scale=next(iter(read_yaml(path)["scales"])))
        for row in table.rows.values():
            found = keys.code_files(row.config, imports=table.imports)
            assert {module.split(".")[0] for module in found} <= set(code_closure.OUR_PACKAGES), row.name


def test_nothing_heavy_is_loaded_for_it() -> None:
    code = "import sys; from experiments.runs import keys; print({'torch', 'mlflow', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.integration
def test_the_current_folder_is_searched_last_however_earmark_is_called(tmp_path: Path) -> None:
    """By the command and by the trainings that it starts; a file that is called as one of Python's hides nothing."""
    (tmp_path / "own_net.py").write_text("from lightning_modules.sed.mil import MIL\n\n\nclass Net(MIL):\n    pass\n")
    (tmp_path / "statistics.py").write_text("raise RuntimeError('not the one of Python')\n")
    tiny = (Path(__file__).parents[1] / "tiny.yaml").read_text()
    own = tiny.replace("lightning_modules.sed.mil.MIL", "own_net.Net") + "imports: [own_net]\n"
    (tmp_path / "own.yaml").write_text(own)
    root = str(Path(__file__).resolve().parents[3])
    environment = {**os.environ, "EARMARK_HOME": str(tmp_path / "home"), "COLUMNS": "200", "PYTHONPATH": root}
    script = "import sys; sys.path[0] = '/nowhere'; from experiments.__main__ import main; sys.exit(main())"

    def earmark(by: list[str], *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *by, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    module, console = ["-m", "experiments"], ["-c", script]  # a console script has its own folder in sys.path[0]
    earmark(console, "data", "tones", "--scale", "tiny")
    assert "1 of 1 cells would run" in earmark(module, "plan", "own.yaml", "--rows", "mil")
    earmark(console, "run", "own.yaml", "--rows", "mil")
    assert "0 of 1 cells would run" in earmark(module, "plan", "own.yaml", "--rows", "mil")


MORE_REFUSED = {
    "a list of names": ("m = __import__('own_pkg', fromlist=['losses'])\n", "own_net.py:1: __import__"),
    "a name resolved": ("import pkgutil\npkgutil.resolve_name('own_pkg.losses:X')\n", "own_net.py:2: resolve_name"),
    "a folder added": ("import site\nsite.addsitedir('/elsewhere')\n", "own_net.py:2: addsitedir"),
    "sys by another name": (
        "import sys as s\ns.path.insert(0, '/x')\nimport own_far\n",
        "'own_far', which is not found",
    ),
}


@pytest.mark.parametrize(("text", "says"), MORE_REFUSED.values(), ids=MORE_REFUSED)
def test_what_else_hides_code_is_refused(own: OwnCode, text: str, says: str) -> None:
    own.write({"own_net.py": text})
    with pytest.raises(UserError, match=says):
        own.digests("own_net.Net", "own_net")


def test_what_earmarks_own_files_import_of_a_user_is_followed(own: OwnCode, monkeypatch: pytest.MonkeyPatch) -> None:
    own.write(
        {"own_loss.py": LOSS, "lightning_modules/__init__.py": "", "lightning_modules/edited.py": "import own_loss\n"}
    )
    for name in [name for name in sys.modules if name.split(".")[0] == "lightning_modules"]:
        monkeypatch.delitem(sys.modules, name)
    found = own.digests("lightning_modules.edited.Net")
    assert set(found) == {"lightning_modules", "lightning_modules.edited", "own_loss"}
