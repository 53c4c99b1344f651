"""`python -m jobs.serve [--demo]`: migrate, seed the demo if asked to, then run web server and scheduler as one."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TextIO

import click
from peewee import PeeweeException

from jobs import demo, demo_login
from jobs.supervisor import Supervisor
from models import PepperCheck, Workspace, database, logs, metric_files, secret, settings
from models.errors import DomainError
from models.settings import Settings

# Each open connection takes one of these, kept alive or half-sent alike, so there must be many.
CONNECTIONS_A_WORKER = 512
GRANIAN = {
    "--interface": "wsgi",
    "--http": "1",
    "--blocking-threads": "1",
    "--backlog": "1024",
    "--backpressure": str(CONNECTIONS_A_WORKER),
    "--http1-buffer-size": "65536",
    # On SIGHUP the old worker goes this many seconds after the new one was begun, which by then must answer.
    "--respawn-interval": "5",
    "--workers-kill-timeout": "10",
}
LOG = ["--no-access-log", "--log-level", "warning", "--log-config", str(Path(__file__).with_name("granian-log.json"))]


@click.command()
@click.option("--demo", "is_demo", is_flag=True, help="Fill an empty database with sample data; print the sign-in.")
def main(is_demo: bool) -> None:
    """Run the web server and the scheduler in the foreground, until Ctrl-C or SIGTERM."""
    # Until something runs there is nothing to stop in order.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    chosen = _settings(is_demo)
    logs.set_up()
    try:
        if is_demo:
            demo_login.need_loopback(chosen)
        held = _to_ourselves(chosen.data_dir)
        address, port = _free_address(chosen)
        if not chosen.port:
            os.environ["PORT"] = str(port)
            chosen = _settings(is_demo)
        greeting = _set_up(chosen, is_demo)
        _count_together(chosen.data_dir / "metrics")
    except DomainError as problem:
        raise click.ClickException(problem.detail) from problem
    except (OSError, PeeweeException) as problem:
        raise click.ClickException(str(problem).partition("\n")[0] or type(problem).__name__) from problem
    database.forget_connection()
    options = granian_options(address, port, chosen.workers)
    supervisor = Supervisor(
        web=[sys.executable, "-m", "jobs.web", *options, *LOG, "--factory", "app:create_app"],
        scheduler=[sys.executable, "-m", "jobs.runner"],
        answers=lambda: _answers(address, port),
        ready=lambda: click.echo(greeting),
    )
    with held:
        sys.exit(supervisor.run())


def _to_ourselves(folder: Path) -> TextIO:
    """Hold the data folder for as long as the file that is returned is open.

    A second server there would empty the folder in which the processes of the first count. The kernel lets go of it
    when we end, however that comes.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (folder / "serve.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise click.ClickException(
            f"Another server uses the folder {folder}. Stop it, or give this one its own with GRAVITY_DATA_DIR."
        ) from None
    return file


def _count_together(folder: Path) -> None:
    """Give the processes that we start one folder in which to count, empty, since counts begin with them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ[metric_files.FOLDER] = str(folder)


def granian_options(address: str, port: int, workers: int) -> list[str]:
    """How granian serves: the same here and where it is measured."""
    options = GRANIAN | {"--host": address, "--port": str(port), "--workers": str(workers)}
    return [*(part for option in options.items() for part in option), "--no-ws", "--respawn-failed-workers"]


def _settings(is_demo: bool) -> Settings:
    try:
        return settings.read(production=not is_demo)
    except settings.SettingsError as problem:
        click.echo("\n".join(problem.mistakes), err=True)
        sys.exit(2)


def _free_address(chosen: Settings) -> tuple[str, int]:
    """The address to listen on, as numbers; port 0 becomes a free one.

    Tried here because the workers share their port (SO_REUSEPORT): a second server would join the first unnoticed.
    """
    host, port = chosen.host, chosen.port
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return str(probe.getsockname()[0]), int(probe.getsockname()[1])
    except OSError as problem:
        raise click.ClickException(
            f"Cannot listen on {host} port {port}: {problem.strerror}. Choose another one with PORT or GRAVITY_HOST."
        ) from problem


def _set_up(chosen: Settings, is_demo: bool) -> str:
    """Bring the database up to date; returns what to print once the port answers."""
    database.connect(chosen.database_url)
    secret.use_peppers(chosen.peppers)
    database.migrate()
    PepperCheck.hold()
    if is_demo:
        if demo.is_empty():
            demo.seed(chosen.data_dir)
        return _demo_greeting(chosen)
    demo_login.refuse_in_public(chosen)
    hint = "" if Workspace.select().exists() else "\nThere is no workspace yet. Make one with: flask workspace create"
    return f"Gravity Rail answers at {chosen.base_url}{hint}"


def _demo_greeting(chosen: Settings) -> str:
    login = demo_login.kept(chosen.data_dir)
    if login is None:
        return f"Address:  {chosen.base_url}\nThe database holds no demo. Sign in with an account of your own."
    changed = "" if demo_login.works(login) else " (no longer: it was changed)"
    try:
        key = demo_login.with_good_key(login, chosen.data_dir).key
    except DomainError as problem:
        line = f"There is no key to try: {problem.detail}"
    else:
        address = f"{_local_url(chosen)}/api/v2/w/{login.workspace_id}/members"
        line = f'curl -H "Authorization: Bearer {key}" {address}'
    return f"Address:  {chosen.base_url}\nE-mail:   {login.email}\nPassword: {login.password}{changed}\n{line}"


def _local_url(chosen: Settings) -> str:
    return f"http://{f'[{chosen.host}]' if ':' in chosen.host else chosen.host}:{chosen.port}"


def _answers(address: str, port: int) -> bool:
    """Whether anything but silence comes back."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 compared, not bound
    connection = HTTPConnection(reachable, port, timeout=1)
    with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
        connection.request("GET", "/healthz")
        connection.getresponse()
        return True
    return False


if __name__ == "__main__":
    main()
