"""The one module that knows htmx: whole pages for browsers, panels and dialogs for htmx, on the same addresses.

The server picks the block, never the client: a block may sit inside an `if` that a client must not step around.
"""

from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from jinja2 import Template
from markupsafe import Markup

from views import static_files

PRODUCT = "Gravity Rail"


def set_up(app: Flask) -> None:
    version = static_files.set_up(app)
    sprite = Path(app.static_folder or "static") / "vendor" / "lucide.svg"
    # The sprite is ours to trust: its checksum is listed, and it holds paths only.
    icons = Markup(sprite.read_text() if sprite.exists() else "")  # noqa: S704

    @app.context_processor
    def shell() -> dict[str, object]:
        member = g.get("member")
        return {
            "static_version": version,
            "icons_svg": icons,
            "workspace": member.workspace if member else None,
            "theme": theme(),
            "here": here(),
            "in_dialog": False,
        }


def theme() -> str:
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in ("light", "dark") else ""


def here() -> str:
    """The path and query of this page, for coming back to it. A form's own page is its path."""
    return request.full_path.removesuffix("?") if request.method == "GET" else request.path


def asked_by_htmx() -> bool:
    # After Back, htmx asks for the whole page.
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def page(template: str, *, status: int = 200, **context: object) -> Response:
    """A page: whole for a browser, its `panel` for htmx, which puts it into `#main`."""
    if not asked_by_htmx():
        return _answer(render_template(template, **context), status)
    response = _answer(f'<div class="page">{_flashes()}{_block(template, "panel", context)}</div>', status)
    # An element with hx-select wants a part of the page and says itself where that goes.
    if request.headers.get("HX-Request-Type") != "full":
        response.headers["HX-Retarget"] = "#main"
        response.headers["HX-Reswap"] = "innerHTML"
        if request.method == "GET" and status == 200:
            response.headers["HX-Push-Url"] = here()
    return response


def dialog(template: str, *, status: int = 200, **context: object) -> Response:
    """A dialog: drawn as a sheet on a page of its own for a browser, put into `#dlg` for htmx."""
    if not asked_by_htmx():
        return _answer(render_template(template, **context), status)
    response = _answer(_block(template, "dialog", {**context, "in_dialog": True}), status)
    response.headers["HX-Retarget"] = "#dlg"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def part(template: str, *, seen_at: str, **context: object) -> Response:
    """A part of a page, alone for htmx. It is seen at the address of its page, where a browser is led."""
    if not asked_by_htmx():
        return _varied(redirect(seen_at, 303))
    response = _answer(render_template(template, **context), 200)
    response.headers["HX-Push-Url"] = seen_at
    return response


def go_to(url: str, status: int = 401) -> Response:
    """Send a whole browser somewhere; htmx follows a plain redirect inside its target instead."""
    response = make_response("", status)
    response.headers["HX-Redirect"] = url
    response.headers["Vary"] = "HX-Request"
    return response


def _answer(html: str, status: int) -> Response:
    return _varied(make_response(html, status))


def _varied(response: Any) -> Response:
    response.headers["Vary"] = "HX-Request, Cookie"
    return make_response(response)


def _flashes() -> str:
    return render_template("_flashes.html")


def _block(template: str, name: str, context: dict[str, object]) -> str:
    full = dict(context)
    current_app.update_template_context(full)
    loaded: Template = current_app.jinja_env.get_template(template)
    view = loaded.new_context(full)
    title = "".join(loaded.blocks["title"](view))
    return f"<title>{title} · {PRODUCT}</title>" + "".join(loaded.blocks[name](view))
