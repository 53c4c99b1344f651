"""Packages of others take part in the bench only when they can be installed, and refuse whom they should."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import bench
from tests.support import peers
from tests.support.contest import Contest, fault, ratio_of, speed, standing, verdict
from tests.support.load import Round
from tests.support.peers import PEERS, Peer

GOOD = "gr_" + "A" * 20
CONTEST = Contest("ours, of the floor", "/api/v2/key", 0.60, 2.0)


@contextmanager
def server(lets_in: bool) -> Iterator[int]:
    """It knows one key; or it lets everybody in."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = lets_in or self.headers["Authorization"] == f"Bearer {GOOD}"
            self.send_response(200 if good else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


def admitted(peer: Peer, folder: Path) -> set[str]:
    with ExitStack() as running:
        return {who for who, _ in bench.admit((peer,), CONTEST, folder, b"{}", running)}


@pytest.fixture(autouse=True)
def installed_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    monkeypatch.setattr(peers, "HOME", tmp_path / "peers")


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.packages[0].startswith("npm:")])
def test_a_peer_without_its_installer_is_left_out_with_a_line(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not admitted(peer, tmp_path)
    assert capsys.readouterr().out.splitlines()[-1] == f"without {peer.name}: npm is missing"


def test_a_peer_that_cannot_be_installed_is_left_out_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such version\nexit 7\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    peer = replace(PEERS[0], packages=("npm:nothing@1.0.0",))
    assert not admitted(peer, tmp_path)
    log = tmp_path / "peers" / f"{peer.folder}.log"
    line = f"without {peer.name}: npm failed with 7, {log.relative_to(tmp_path)} says why"
    assert capsys.readouterr().out.splitlines()[-1] == line
    assert log.read_text() == "no such version\n"
    assert not (tmp_path / "peers" / peer.folder / "installed").exists()


def test_each_peer_names_exact_versions_and_has_its_programs() -> None:
    for peer in PEERS:
        assert all("==" in package or "@" in package[5:] for package in peer.packages)
        program = next(word for word in peer.seed.split() if word.startswith(("peer.", "seed.")))
        assert (Path(bench.__file__).parent / "peers" / peer.folder / program).exists()


def test_a_peer_answers_at_the_path_that_is_measured() -> None:
    for program in (Path(bench.__file__).parent / "peers").rglob("*.*"):
        assert "/v2/" not in program.read_text(), "the bench writes its path into the file `path`"


def test_who_lets_everybody_in_is_not_measured() -> None:
    with server(lets_in=True) as port:
        assert fault(port, CONTEST.path, GOOD) == "it answers 200 to a changed key"


def test_who_refuses_is_measured() -> None:
    with server(lets_in=False) as port:
        assert not fault(port, CONTEST.path, GOOD)
        assert fault(port, CONTEST.path, GOOD[:-1] + "B") == "it answers 401 to a good key"


def rounds(*each: tuple[float, int]) -> list[Round]:
    return [Round(per_second, 1000, p99, 0) for per_second, p99 in each]


def test_ratios_are_taken_within_a_round() -> None:
    ours, floor = rounds((50, 10), (900, 10), (60, 10)), rounds((100, 10), (1000, 10), (100, 10))
    assert ratio_of(ours, floor, speed) == 0.6
    assert standing(floor, ours, floor).startswith("1.000 of the floor")
    assert standing(floor, ours, floor).endswith("ours is 0.6 times as fast")


@pytest.mark.parametrize(
    ("ours", "passes"),
    [
        ([(60, 20)], True),
        ([(59, 20)], False),
        ([(60, 21)], False),
    ],
)
def test_the_gates_hold_speed_and_tail(ours: list[tuple[float, int]], passes: bool) -> None:
    assert verdict(CONTEST, rounds(*ours), rounds((100, 10))) is passes


def test_an_error_of_ours_fails_the_bench() -> None:
    assert not verdict(CONTEST, [Round(100, 1000, 10, 1)], rounds((100, 10)))
