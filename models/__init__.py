"""What is true, and what may be done. Nothing here knows of Flask."""

from models.api_key import ApiKey
from models.audit import AuditEvent
from models.calendar_feed import CalendarFeed
from models.chat import Chat, Message, Participant
from models.collection import Collection
from models.data_record import DataRecord
from models.idempotency import IdempotentAnswer
from models.incident import Incident
from models.job_run import JobRun, Lease
from models.key_secret import KeySecret
from models.leak import Leak
from models.mail import Mail
from models.mail_choice import MailChoice, TeamAddress, TeamHour
from models.member import Invitation, Member
from models.monthly_use import MonthlyUse
from models.outbox import Notice
from models.pepper_check import PepperCheck
from models.refusal import Refusal
from models.session import BrowserSession
from models.throttle import Throttle
from models.usage import (
    KeyNetwork,
    KeyPlace,
    UsageDay,
    UsageGap,
    UsageHour,
    UsageMark,
    UsageRoute,
    WorkspaceDay,
)
from models.user import User
from models.webhook import Webhook
from models.webhook_delivery import WebhookDelivery
from models.workflow import Workflow
from models.workflow_run import WorkflowRun
from models.workspace import Workspace

# In the order of their foreign keys.
TABLES = (
    User,
    Workspace,
    Member,
    Invitation,
    BrowserSession,
    Throttle,
    ApiKey,
    KeySecret,
    Leak,
    PepperCheck,
    AuditEvent,
    IdempotentAnswer,
    MonthlyUse,
    Chat,
    Participant,
    Message,
    Collection,
    DataRecord,
    Workflow,
    WorkflowRun,
    Refusal,
    UsageHour,
    UsageDay,
    WorkspaceDay,
    UsageRoute,
    KeyPlace,
    KeyNetwork,
    UsageGap,
    UsageMark,
    Incident,
    MailChoice,
    TeamAddress,
    TeamHour,
    Mail,
    Notice,
    Lease,
    JobRun,
    Webhook,
    WebhookDelivery,
    CalendarFeed,
)
