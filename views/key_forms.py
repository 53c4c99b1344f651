"""The form of a key: its fields, and the way between what is typed in a person's zone and `KeySettings`."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta

from flask import g, request
from wtforms import Field, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from models import key_settings, scope
from models.api_key import ApiKey
from models.database import random_text
from models.errors import DomainError, Invalid, KeyEnded, PlanLimit
from models.key_settings import REASONS, KeySettings
from models.policy import Limits
from views import key_times
from views.forms import PageForm

FORM_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}", re.ASCII)
# Which field a limit of the plan is about, and what one can do there.
LIMITS = {
    "admin_keys": ("scopes", "Untick it, or move the workspace to a larger plan."),
    "allowlists": ("networks", "Leave the list empty, or move the workspace to a larger plan."),
    "longest_life_days": ("expires_at", "Choose an earlier date, or move the workspace to a larger plan."),
    "active_keys": ("", "Revoke a key that is no longer needed, then create this one."),
}


class Ticked(Field):
    """The boxes of one name that were ticked."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = valuelist


class KeyForm(PageForm):
    """Creates and edits a key. The order of the fields is that of the page."""

    form_id = StringField()
    version = StringField()
    name = StringField("Name")
    note = StringField("Where will you keep it?")
    preset = StringField("Use case")
    scopes = Ticked("Scopes")
    expires = StringField("Expiration")
    expires_on = StringField("Expiration date")
    starts_at = StringField("Start")
    networks = TextAreaField("IP allowlist")

    def settings(self, limits: Limits, before: KeySettings | None = None) -> KeySettings:
        """What was entered, in uniform form. Raises `Invalid` with every mistake, and `PlanLimit`."""
        errors: dict[str, str] = {}
        entered = KeySettings(
            name=self.name.data or "",
            note=self.note.data or "",
            scopes=frozenset(self.scopes.data or ()),
            networks=(self.networks.data or "",),
            starts_at=self._start(before, errors),
            expires_at=self._end(before, errors),
        )
        try:
            entered = key_settings.checked(entered, limits.plan, g.now, before, limits.policy)
        except Invalid as problem:
            raise Invalid(self._placed(problem.errors) | errors) from problem
        if errors:
            raise Invalid(errors)
        return entered

    def blame(self, problem: DomainError) -> None:
        """Show a refusal at the field that it is about, that of the plan with what one can do."""
        if isinstance(problem, PlanLimit):
            field, advice = LIMITS[str(problem.facts["limit"])]
            problem = Invalid({field: f"{problem.detail} {advice}"})
        if isinstance(problem, Invalid):
            problem = Invalid(self._placed(problem.errors))
        super().blame(problem)

    @property
    def summary(self) -> str:
        """What the form would create, in a line. `app.js` keeps it current."""
        number = len(self.scopes.data or ())
        when = {"30": "expires in 30 days", "90": "expires in 90 days", "none": "no expiration"}
        says = when.get(self.expires.data or "", "keeps its expiration" if self.expires.data == "keep" else "")
        day = key_times.read_day(self.expires_on.data) if self.expires.data == "custom" else None
        if day is not None:
            says = f"expires {day:%b} {day.day}, {day.year}"
        networks = "IP allowlist" if (self.networks.data or "").strip() else "any address"
        return ", ".join(filter(None, (f"{number} scope{'s' * (number != 1)}", says, networks)))

    def _placed(self, errors: Mapping[str, str]) -> dict[str, str]:
        """The model knows one end; the form has a choice and a date."""
        end = "expires_on" if self.expires.data == "custom" else "expires"
        return {end if name == "expires_at" else name: text for name, text in errors.items()}

    def _end(self, before: KeySettings | None, errors: dict[str, str]) -> datetime | None:
        chosen = self.expires.data
        if chosen in key_times.DAYS:
            return g.now.replace(microsecond=0) + key_times.DAYS[chosen]
        if chosen == "none":
            return None
        if chosen == "keep" and before is not None:
            return before.expires_at
        if chosen == "custom":
            day = key_times.read_day(self.expires_on.data)
            if day is not None:
                return key_times.end_of(day)
            errors["expires_on"] = "Enter a date, like 2027-03-31." if self.expires_on.data else "Choose a date."
        else:
            errors["expires"] = "Choose when the key ends."
        # Stands in, so that the other mistakes are found as well.
        return g.now + timedelta(days=1)

    def _start(self, before: KeySettings | None, errors: dict[str, str]) -> datetime | None:
        text = (self.starts_at.data or "").strip()
        if not text:
            return None
        if before is not None and text == key_times.shown_start(before.starts_at):
            # The form shows minutes; what nobody touched stays as it is, to the second.
            return before.starts_at
        start = key_times.read_start(text)
        if start is None:
            errors["starts_at"] = "Enter a date and time, like 2027-03-31 09:00."
        return start


class RevokeForm(PageForm):
    reason = SelectField("Reason", choices=[SelectChoice(*each) for each in REASONS.items()], validate_choice=False)
    note = StringField("Note")
    confirm = StringField("Name of the key")

    # The reason that is chosen when it opens.
    usual = next(iter(REASONS))

    def __init__(self, **data: object) -> None:
        # A link may choose the reason, never type the name.
        super().__init__(data={"reason": request.args.get("reason", self.usual), **data})

    def confirms(self, name: str) -> bool:
        """Whether the name was typed as people see it: without regard to how blanks and accents are encoded."""
        return unicodedata.normalize("NFC", self.confirm.data or "").split() == name.split()


def blank(limits: Limits, preset: scope.Preset | None = None) -> KeyForm:
    """The form for a new key."""
    chosen = {"preset": preset.slug, "scopes": list(preset.scopes)} if preset else {}
    return KeyForm(formdata=None, data={"form_id": random_text(26), **_end_of_new(limits), **chosen})


def _end_of_new(limits: Limits) -> dict[str, str]:
    usual = key_times.usual(limits)
    return {"expires": usual} | ({"expires_on": key_times.last_day(limits).isoformat()} if usual == "custom" else {})


def copying(settings: KeySettings, limits: Limits) -> KeyForm:
    """The form for a new key with these settings."""
    data = {"form_id": random_text(26), "expires": "none", **_shown(settings)}
    if settings.expires_at is not None:
        life = settings.expires_at - g.now
        data["expires"] = next((value for value, days in key_times.DAYS.items() if life == days), "custom")
    if settings.expires_at is not None and data["expires"] == "custom":
        day = key_times.local(settings.expires_at).date()
        data["expires_on"] = min(day, key_times.last_day(limits)).isoformat()
    return KeyForm(formdata=None, data=data)


def editing(key: ApiKey) -> KeyForm:
    """The form with what a key has now, or with what was entered when one comes back to it."""
    if "back" in request.form:
        return KeyForm()
    return KeyForm(formdata=None, data={"version": str(key.version), "expires": "keep", **_shown(key.settings)})


def live(workspace_id: str, key_id: str) -> ApiKey:
    """A key that can still be changed."""
    key: ApiKey = ApiKey.find(workspace_id, key_id)
    if not key.is_live(g.now):
        raise KeyEnded(key.id, key.name, "is revoked" if key.revoked_at else "has expired")
    return key


def form_id() -> str | None:
    """The one-use number of the form that was sent."""
    sent = request.form.get("form_id", "")
    return sent if FORM_ID.fullmatch(sent) else None


def version() -> int:
    """The version of the key that the form showed; -1, which no key has, when it says none."""
    sent = request.form.get("version", "")
    return int(sent) if re.fullmatch(r"[0-9]{1,9}", sent, re.ASCII) else -1


def _shown(settings: KeySettings) -> dict[str, object]:
    return {
        "name": settings.name,
        "note": settings.note,
        "scopes": list(settings.scopes),
        "starts_at": key_times.shown_start(settings.starts_at),
        "networks": "\n".join(settings.networks),
    }
