"""`flask demo`: sample data to try things with."""

from jobs import demo, demo_login
from jobs.terminal import Commands, json_option, need_tables, settings, show

group = Commands("demo", help="Sample data to try things with.")


@group.command("seed")
@json_option
def seed(as_json: bool) -> None:
    """Fill an empty database with a workspace, its people and its keys. The sign-in goes into demo.json."""
    need_tables()
    chosen = settings()
    demo_login.need_loopback(chosen)
    login = demo.seed(chosen.data_dir)
    file = demo_login.file_in(chosen.data_dir)
    facts = {"workspace_id": login.workspace_id, "email": login.email, "file": str(file)}
    show(as_json, facts, f"Made the workspace {demo.WORKSPACE}. Sign in as {login.email}; the password is in {file}.")
