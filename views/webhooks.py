"""Webhooks of a workspace: endpoints, their secrets, which is shown once, and the log of what they were told."""

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from models import Webhook, WebhookDelivery, webhook, webhook_delivery
from models.errors import Conflict, Invalid
from models.webhook_events import EVENTS, EVERYTHING
from models.webhook_signature import SigningSecret
from views import access, htmx
from views.forms import PageForm

bp = Blueprint("webhooks", __name__, url_prefix="/w/<workspace_id>/settings/webhooks")

BOTH = ("GET", "POST")


class WebhookForm(PageForm):
    url = StringField("Address", default="")
    description = StringField("Description", default="")
    events = StringField("Events", default="")

    def values(self) -> dict[str, Any]:
        return {
            "url": self.text("url").strip(),
            "description": self.text("description"),
            "events": request.form.getlist("events"),
        }


@bp.get("")
@access.requires("webhooks.manage")
def index(workspace_id: str) -> ResponseReturnValue:
    return htmx.page("webhooks/index.html", hooks=Webhook.listed(workspace_id), most=webhook.MOST)


@bp.route("/new", methods=BOTH)
@access.requires("webhooks.manage")
@access.password_recently
def new(workspace_id: str) -> ResponseReturnValue:
    form = WebhookForm()
    if not form.is_submitted():
        return _form("webhooks/new.html", form, [EVERYTHING])
    try:
        hook, secret = Webhook.add(g.member.workspace, **form.values(), by=access.actor())
    except (Invalid, Conflict) as problem:
        form.blame(problem)
        return _form("webhooks/new.html", form, request.form.getlist("events"), status=problem.status)
    return _reveal(hook, secret)


@bp.get("/<webhook_id>")
@access.requires("webhooks.manage")
def show(workspace_id: str, webhook_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    return htmx.page("webhooks/show.html", hook=hook, deliveries=WebhookDelivery.log_of(hook), titles=EVENTS)


@bp.route("/<webhook_id>/edit", methods=BOTH)
@access.requires("webhooks.manage")
@access.password_recently
def edit(workspace_id: str, webhook_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    form = WebhookForm(obj=hook)
    if not form.is_submitted():
        return _form("webhooks/edit.html", form, hook.events, hook=hook)
    try:
        hook.change(**form.values(), by=access.actor())
    except Invalid as problem:
        form.blame(problem)
        return _form("webhooks/edit.html", form, request.form.getlist("events"), hook=hook, status=422)
    flash("The webhook is saved.")
    return _to(hook)


@bp.route("/<webhook_id>/rotate", methods=BOTH)
@access.requires("webhooks.manage")
@access.password_recently
def rotate(workspace_id: str, webhook_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    if request.method != "POST":
        return htmx.dialog("webhooks/rotate.html", hook=hook)
    return _reveal(hook, hook.rotate(by=access.actor()))


@bp.route("/<webhook_id>/delete", methods=BOTH)
@access.requires("webhooks.manage")
@access.password_recently
def delete(workspace_id: str, webhook_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    if request.method != "POST":
        return htmx.dialog("webhooks/delete.html", hook=hook)
    hook.remove(by=access.actor())
    flash("The webhook is deleted.")
    return redirect(url_for(".index", workspace_id=workspace_id), 303)


@bp.post("/<webhook_id>/enable")
@access.requires("webhooks.manage")
def enable(workspace_id: str, webhook_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    hook.enable(by=access.actor())
    flash("The webhook is enabled.")
    return _to(hook)


@bp.post("/<webhook_id>/disable")
@access.requires("webhooks.manage")
def disable(workspace_id: str, webhook_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    hook.disable(by=access.actor())
    flash("The webhook is disabled.")
    return _to(hook)


@bp.post("/<webhook_id>/test")
@access.requires("webhooks.manage")
def test(workspace_id: str, webhook_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    webhook_delivery.test(hook)
    flash("A test event is on its way. Reload in a few seconds to see how it went.")
    return _to(hook)


@bp.post("/<webhook_id>/deliveries/<delivery_id>/redeliver")
@access.requires("webhooks.manage")
def redeliver(workspace_id: str, webhook_id: str, delivery_id: str) -> ResponseReturnValue:
    hook = _hook(webhook_id)
    WebhookDelivery.find_of(hook, delivery_id).redeliver(by=access.actor())
    flash("It is sent once more, with the same id. Reload in a few seconds to see how it went.")
    return _to(hook)


def _hook(webhook_id: str) -> Webhook:
    hook: Webhook = Webhook.find(g.member.workspace_id, webhook_id)
    return hook


def _to(hook: Webhook) -> ResponseReturnValue:
    return redirect(url_for(".show", workspace_id=hook.workspace_id, webhook_id=hook.id), 303)


def _form(
    template: str, form: WebhookForm, chosen: list[str], *, hook: Webhook | None = None, status: int = 200
) -> Response:
    return htmx.dialog(
        template, status=status, form=form, chosen=set(chosen), events=EVENTS, everything=EVERYTHING, hook=hook
    )


def _reveal(hook: Webhook, secret: SigningSecret) -> Response:
    """Answers a POST without a redirect: the secret must not outlive this response."""
    return htmx.dialog("webhooks/secret.html", status=201, hook=hook, secret=secret)
