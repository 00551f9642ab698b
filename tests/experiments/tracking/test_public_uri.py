"""A store's URI may hold a password: it is in no message, page or process's arguments, and works all the same."""

from __future__ import annotations

import base64
import doctest
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from experiments import errors
from experiments.cli import main
from experiments.commands import report, ui
from experiments.errors import UserError, first_line, public_uri
from experiments.reporting import views
from experiments.tracking import mlflow_store
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.store_place import StorePlace
from experiments.tracking.stored_origin import find_origin

POSTGRESQL = "postgresql://me:secret@host/mlflow"


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        (POSTGRESQL, "postgresql://host/mlflow"),
        ("postgresql+psycopg://me:se/cr?et#@host:5432/mlflow", "postgresql+psycopg://host:5432/mlflow"),
        ("postgresql://me:sec@ret@host/mlflow?a=b@c", "postgresql://host/mlflow?a=b@c"),
        ("postgresql://me@host/mlflow", "postgresql://host/mlflow"),
        ("postgresql:///mlflow?user=me&password=secret&host=h", "postgresql:///mlflow?user=me&password=…&host=h"),
        ("https://me:sec@ret@host:5000/", "https://host:5000/"),
        ("http://token@host", "http://host"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("sqlite:////home/me:x@work/mlflow.db", "sqlite:////home/me:x@work/mlflow.db"),
        ("/home/me@work/mlruns", "/home/me@work/mlruns"),
    ],
)
def test_a_public_uri_has_no_user_and_no_password(uri: str, public: str) -> None:
    assert public_uri(uri) == public
    assert first_line(OSError(f"request to {uri} failed, ask a@b:c")) == f"request to {public} failed, ask a@b:c"


def test_the_docstrings_examples_hold() -> None:
    assert doctest.testmod(errors).failed == 0


def test_messages_and_pages_have_the_public_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = Tracker.__new__(Tracker)
    tracker.uri = "https://me:secret@host:5000"
    assert report._mlflow_url(None, tracker) == "https://host:5000"
    tracker.uri = POSTGRESQL
    monkeypatch.setattr(tracker, "beginning_with", lambda _: [])
    with pytest.raises(UserError, match="no run in postgresql://host/mlflow has an id"):
        find_origin(tracker, "abc123")


@pytest.fixture
def server() -> Iterator[tuple[str, list[str | None]]]:
    """Host and port of an MLflow server that tells its version, and the logins that it was asked with."""
    logins: list[str | None] = []

    class Version(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            logins.append(self.headers["Authorization"])
            self.send_response(200 if self.path == "/version" else 404)
            self.end_headers()
            self.wfile.write(b"3.17.2")

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Version) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"127.0.0.1:{serving.server_port}", logins
        serving.shutdown()
        thread.join()


def test_a_servers_version_is_asked_with_the_login_of_its_uri(server: tuple[str, list[str | None]]) -> None:
    place, logins = server
    assert views.refused_version(f"http://me:se%40cret@{place}/") == ""
    assert views.refused_version(f"http://{place}") == ""
    assert logins == ["Basic " + base64.b64encode(b"me:se@cret").decode(), None]


@pytest.mark.parametrize("place", ["127.0.0.1", "127.0.0.1:1", "127.0.0.1:port", "[broken"])
def test_a_server_whose_version_is_unknown_is_one_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    line = views.refused_version(f"http://me:secret@{place}")
    assert line.startswith(f"the version of MLflow at http://{place} is unknown (")
    assert "secret" not in line
    assert "\n" not in line


def test_the_dashboard_gets_the_uri_in_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.cli import server as mlflow_server

    started: dict[str, Any] = {}

    class Server:
        pid = -1

        def __init__(self, command: list[str], *, env: dict[str, str], **more: Any) -> None:
            started.update(command=command, env=env)

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def wait(self) -> int:
            return 0

    place = StorePlace(tmp_path, POSTGRESQL, read_only=False)
    store = SimpleNamespace(place=place, uri=place.uri, root=place.root, experiments=list)
    monkeypatch.setattr(mlflow_store, "Tracker", lambda _: cast(Tracker, store))
    monkeypatch.setattr(ui.subprocess, "Popen", Server)
    monkeypatch.setattr(ui.signal, "signal", lambda *_: None)
    monkeypatch.setattr(ui.os, "killpg", lambda *_: None)
    assert main(["ui", "--port", "5001"]) == 0
    assert not any("secret" in argument for argument in started["command"])
    words = started["command"][started["command"].index("server") + 1 :]
    monkeypatch.setattr(os, "environ", started["env"])
    with mlflow_server.make_context("server", words) as context:  # MLflow's own reading of both
        assert context.params["backend_store_uri"] == POSTGRESQL
        assert context.params["port"] == 5001
