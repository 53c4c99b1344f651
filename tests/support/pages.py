"""Where the pages are: every address with something to see in the world of the tests."""

from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Rule

from tests.support.world import World


def for_everyone(world: World) -> list[str]:
    """Without signing in."""
    tokens = [f"/set-password?token={world.token}", "/set-password?token=x", f"/unsubscribe/{world.unsubscribe}"]
    tokens += [f"/team-address/{world.team}", "/team-address/x", "/unsubscribe/x"]
    return ["/login", "/help", "/pricing", *tokens, "/nothing"]


def for_members(world: World) -> list[str]:
    """As an owner sees them; dialogs are drawn as sheets there."""
    here = [*_lists(), *_keys(world), *_people(world), *_webhooks(world)]
    here += ["general", "policy", "plan", "plan?range=90d", "notifications", "jobs", "nothing"]
    return ["/account", "/help", "/pricing", *(world.ada.settings(page) for page in here)]


def _lists() -> list[str]:
    lists = ["api-keys", "api-keys?page=2", "api-keys?status=inactive&sort=name", "api-keys?q=nothing-like-this"]
    return [*lists, "api-keys/new", "api-keys/new?preset=crm-sync", "api-keys/cleanup"]


def _keys(world: World) -> list[str]:
    keys = {name: f"api-keys/{key.id}" for name, key in world.keys.items()}
    full, turning = keys["full"], keys["rotating"]
    verbs = [f"{full}/{verb}" for verb in ("edit", "rotate", "revoke", "quarantine", "keep")]
    verbs += [f"{turning}/{verb}" for verb in ("rotate", "finish-rotation", "extend-rotation", "undo-rotation")]
    verbs += [f"{keys['revoked']}/delete", f"{keys['asleep']}/wake", f"{keys['kept']}/keep", f"{keys['busy']}/restrict"]
    copy = f"api-keys/new?copy={world.keys['full'].id}"
    return [*keys.values(), *verbs, f"{full}/add-scope?scope=write:data", copy]


def _people(world: World) -> list[str]:
    member, admin = (f"members/{world.people[role].id}" for role in ("member", "admin"))
    verbs = [f"{member}/{verb}" for verb in ("edit", "remove", "revoke-keys")]
    return ["members", "members/new", *verbs, f"{admin}/remove", f"{admin}/revoke-keys"]


def _webhooks(world: World) -> list[str]:
    hook = f"webhooks/{world.hook.id}"
    return ["webhooks", "webhooks/new", hook, *(f"{hook}/{verb}" for verb in ("edit", "rotate", "delete"))]


def rules_behind(app: Flask, addresses: list[str]) -> set[str]:
    """Which routes are seen at these addresses."""
    urls = app.url_map.bind("localhost")
    found = set()
    for address in addresses:
        path, _, query = address.partition("?")
        try:
            found.add(urls.match(path, query_args=query, return_rule=True)[0].rule)
        except (NotFound, MethodNotAllowed):
            continue
    return found


def address_of(app: Flask, rule: Rule, world: World) -> str:
    """An address of this route at which there is something."""
    known = {"workspace_id": world.ada.workspace.id, "key_id": world.keys["full"].id, "webhook_id": world.hook.id}
    known |= {"member_id": world.people["member"].id, "token": "x", "filename": "site.css"}
    built = app.url_map.bind("localhost").build(rule.endpoint, {name: known.get(name, "x") for name in rule.arguments})
    return str(built)
