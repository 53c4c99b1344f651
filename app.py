"""The application factory: settings, database, blueprints and error pages are wired here and nowhere else."""

import gc

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from jobs import cli, send_mail, send_webhooks
from models import database, rate_limit, secret, usage_journal
from models.settings import Settings
from views import (
    access,
    account,
    api,
    api_keys,
    calendar_feed,
    errors,
    format,
    frame,
    gate,
    general,
    health,
    help,
    home,
    htmx,
    jobs,
    key_advice,
    key_cleanup,
    key_incidents,
    key_quarantine,
    key_refusals,
    key_rotation,
    key_usage,
    log,
    member_keys,
    members,
    metrics,
    notifications,
    plan,
    plan_usage,
    policy,
    pricing,
    secret_scanning,
    sessions,
    team_address,
    unsubscribe,
    webhooks,
)
from views.api import openapi
from views.application import Application

# In the order of the menu.
PAGES = (
    home,
    sessions,
    account,
    general,
    members,
    member_keys,
    plan,
    plan_usage,
    policy,
    notifications,
    api_keys,
    key_rotation,
    key_refusals,
    key_advice,
    key_cleanup,
    key_incidents,
    key_quarantine,
    key_usage,
    jobs,
    pricing,
    help,
    team_address,
    unsubscribe,
    secret_scanning,
    webhooks,
    calendar_feed,
)

MEGABYTE = 1024 * 1024


def create_app(configured: Settings | None = None) -> Flask:
    """The WSGI application. Without `configured`, settings come from the environment."""
    chosen = configured or cli.read_settings()
    app = Application(__name__)
    _configure(app, chosen)
    log.set_up()
    gate.set_up(app)
    chosen.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database.connect(chosen.database_url)
    secret.use_peppers(chosen.peppers)
    rate_limit.use(chosen.data_dir, chosen.redis_url)
    usage_journal.use(chosen.data_dir)
    send_mail.use(chosen)
    send_webhooks.use(chosen)

    app.session_interface = sessions.PageSessions()
    access.set_up(app)
    errors.set_up(app)
    htmx.set_up(app)
    format.set_up(app)
    for module in PAGES:
        app.register_blueprint(module.bp)
    app.register_blueprint(api.bp)
    app.register_blueprint(health.bp)
    metrics.set_up(app)
    openapi.set_up(app)
    cli.set_up(app)
    outermost = frame.Frame(app.wsgi_app, https=chosen.https, access_log=chosen.access_log)
    app.wsgi_app = outermost  # type: ignore[method-assign] # as Flask documents it
    if hops := chosen.trusted_proxies:
        app.wsgi_app = ProxyFix(outermost, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign] # the same
    # What is loaded by now lives as long as the process: the collector need not walk it at every full round.
    gc.collect()
    gc.freeze()
    return app


def _configure(app: Flask, chosen: Settings) -> None:
    newest, *older = chosen.secret_keys
    app.config.update(
        SETTINGS=chosen,
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        MAX_CONTENT_LENGTH=MEGABYTE,
        MAX_FORM_MEMORY_SIZE=MEGABYTE // 2,
        MAX_FORM_PARTS=500,
        # The prefix makes the browser insist on https, this host and the root path (RFC 6265bis).
        SESSION_COOKIE_NAME="__Host-gravity" if chosen.https else "gravity",
        SESSION_COOKIE_SECURE=chosen.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=30 * 24 * 3600,
        PREFERRED_URL_SCHEME="https" if chosen.https else "http",
        PROVIDE_AUTOMATIC_OPTIONS=False,
        # A tab may stay open for long: the token lives as long as the session it is bound to.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    # An address with a doubled slash is another address, not a redirect.
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
