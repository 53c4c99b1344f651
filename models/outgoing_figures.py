"""For /metrics: mail, webhooks and leaked keys that wait, and since when; how long jobs take. See models/metrics.py."""

from collections.abc import Iterator
from datetime import datetime

from peewee import fn
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from models import metrics
from models.api_key import ApiKey
from models.database import now
from models.job_run import JobRun
from models.key_secret import KeySecret
from models.leak import Leak
from models.mail import OPEN, Mail
from models.mail_kinds import DIGEST, SECURITY
from models.outbox import Notice
from models.webhook import Webhook
from models.webhook_delivery import FAILED, PENDING, WebhookDelivery


@metrics.at_scrape
def mail() -> Iterator[Metric]:
    moment = now()
    oldest = GaugeMetricFamily(
        "gravity_mail_overdue_seconds", "How long the mail that is due longest has waited since.", labels=["lane"]
    )
    waiting = GaugeMetricFamily("gravity_mail_waiting", "Messages and notices that are due.", labels=["lane"])
    for lane in (SECURITY, DIGEST):
        sent = Mail.select().where(Mail.status.in_(OPEN), Mail.due_at <= moment, Mail.lane == lane)
        told = Notice.pending().where(Notice.due_at <= moment, Notice.lane == lane)
        due = [sent.select(fn.MIN(Mail.due_at)).scalar(), told.select(fn.MIN(Notice.due_at)).scalar()]
        oldest.add_metric([lane], _age(min((each for each in due if each is not None), default=None), moment))
        waiting.add_metric([lane], sent.count() + told.count())
    yield oldest
    yield waiting
    failed = Mail.select().where(Mail.status == "failed").count()
    yield GaugeMetricFamily("gravity_mail_retried", "Messages that failed and are tried again.", value=failed)
    dead = Mail.select().where(Mail.status == "dead").count()
    yield GaugeMetricFamily("gravity_mail_dead_letters", "Messages that were given up.", value=dead)


@metrics.at_scrape
def webhooks() -> Iterator[Metric]:
    moment = now()
    callable_ = Webhook.select(Webhook.id).where(
        Webhook.disabled_at.is_null(), Webhook.paused_until.is_null() | (Webhook.paused_until <= moment)
    )
    pending = WebhookDelivery.select().where(WebhookDelivery.status == PENDING)
    due = pending.where(WebhookDelivery.due_at <= moment, WebhookDelivery.webhook.in_(callable_))
    yield GaugeMetricFamily(
        "gravity_webhook_overdue_seconds", "How long the message that is due longest has waited since.",
        value=_age(due.select(fn.MIN(WebhookDelivery.due_at)).scalar(), moment),
    )  # fmt: skip
    yield GaugeMetricFamily("gravity_webhook_waiting", "Messages to webhooks that are due.", value=due.count())
    retried = pending.where(WebhookDelivery.attempts > 0).count()
    yield GaugeMetricFamily("gravity_webhook_retried", "Messages that failed and are tried again.", value=retried)
    failed = WebhookDelivery.select().where(WebhookDelivery.status == FAILED).count()
    yield GaugeMetricFamily("gravity_webhook_failed", "Messages that were given up in the last days.", value=failed)


@metrics.at_scrape
def leaks() -> Iterator[Metric]:
    """Of keys that were found in public and work on, as where a workspace only wants to be told."""
    moment = now()
    found = Leak.select().join(KeySecret).join(ApiKey).where(KeySecret.unended(moment), ApiKey.live(moment))
    count, since = found.select(fn.COUNT(Leak.key.distinct()), fn.MIN(Leak.at)).tuples().first()
    yield GaugeMetricFamily("gravity_leaked_keys", "Keys that were found in public and still work.", value=count)
    yield GaugeMetricFamily(
        "gravity_leaked_key_oldest_seconds", "For how long the first of them has been known.", value=_age(since, moment)
    )


@metrics.at_scrape
def jobs() -> Iterator[Metric]:
    taken = GaugeMetricFamily("gravity_job_last_run_seconds", "How long the last run took.", labels=["job", "outcome"])
    for row in JobRun.latest():
        if row.ended_at is not None:
            taken.add_metric([row.job, "failed" if row.failed else "done"], row.ms / 1000)
    yield taken


def _age(since: datetime | None, moment: datetime) -> float:
    return 0.0 if since is None else max(0.0, (moment - since).total_seconds())
