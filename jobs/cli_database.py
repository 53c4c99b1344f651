"""`flask db`: migrate, back up, restore."""

from datetime import UTC
from pathlib import Path

import click

from jobs import backup
from jobs.terminal import Commands, json_option, need_tables, settings, show, show_list
from models import User, Workspace, database

group = Commands("db", help="Migrate the database, back it up, restore it.")


@group.command("migrate")
@json_option
def migrate(as_json: bool) -> None:
    """Bring the tables up to date. Safe to run twice, and from two machines at once."""
    applied = database.migrate()
    show(as_json, {"applied": applied}, "\n".join(f"applied {name}" for name in applied) or "Nothing to do.")


@group.command("status")
@json_option
def status(as_json: bool) -> None:
    """Which migrations were applied, and when."""
    rows = [
        # The runner notes local time without its zone.
        {"name": name, "applied_at": applied and applied.astimezone(UTC)}
        for name, applied in database.migration_status()
    ]
    show_list(as_json, rows, ["name", "applied_at"], "There is no migration.")


@group.command("backup")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace the file if there is one.")
@json_option
def back_up(path: Path, yes: bool, as_json: bool) -> None:
    """Write one consistent file while everything goes on. It holds no key in clear, and no pepper."""
    need_tables()
    if path.exists() and not yes:
        raise click.ClickException(f"{path} exists already. Choose another file, or add --yes to replace it.")
    with backup.one_line_errors():
        backup.write(settings().database_url, path)
    size = path.stat().st_size
    show(as_json, {"path": str(path.absolute()), "bytes": size}, f"Wrote {path} ({size:,} bytes).")


@group.command("restore")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace everything that the database holds now.")
@json_option
def restore(path: Path, yes: bool, as_json: bool) -> None:
    """Put a backup in place of what the database holds, in one step."""
    if _holds_something() and not yes:
        raise click.ClickException("The database is not empty. Add --yes to replace everything in it.")
    with backup.one_line_errors():
        backup.restore(settings().database_url, path)
    pending = database.pending_migrations()
    said = f"Restored {path}." + (" It is of an older version. Run: flask db migrate" if pending else "")
    show(as_json, {"restored": str(path.absolute()), "pending": pending}, said)


def _holds_something() -> bool:
    return any(table.table_exists() and table.select().exists() for table in (User, Workspace))
