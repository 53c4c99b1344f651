"""What the forms about people and their workspace send. What it may be is decided by the models."""

from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from flask import request
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from models.errors import DomainError, Invalid

# Areas of the tz database that name places; the others are aliases kept for old systems.
AREAS = ("Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific").split()


class PageForm(FlaskForm):
    """A form of a page. Its token was checked before the view (views/access.py)."""

    class Meta(FlaskForm.Meta):
        csrf = False

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Text fields alone: never JSON, and never an uploaded file in the place of a text."""
            return request.form if form.is_submitted() else None

    def text(self, name: str) -> str:
        """What a field holds, as text; empty when it was not sent."""
        return str(self[name].data or "")

    def blame(self, problem: DomainError) -> None:
        """Show what the model refused: at the fields it names, else above the form."""
        errors = problem.errors if isinstance(problem, Invalid) else {"": problem.detail}
        for name, message in errors.items():
            if name in self:
                self[name].errors = [message]
            else:
                self.form_errors.append(message)


class SignInForm(PageForm):
    email = EmailField("E-mail", [InputRequired("Enter your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Enter your password.")])
    time_zone_guess = HiddenField()


class SetPasswordForm(PageForm):
    token = HiddenField()
    password = PasswordField("Password", [InputRequired("Enter a password.")])
    time_zone_guess = HiddenField()


class PasswordForm(PageForm):
    current = PasswordField("Current password", [InputRequired("Enter the password you use now.")])
    new = PasswordField("New password", [InputRequired("Enter a new password.")])


class ZoneForm(PageForm):
    time_zone = SelectField("Time zone", validate_choice=False)

    def __init__(self, chosen: str, data: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(data={"time_zone": chosen, **(data or {})}, **more)
        self.time_zone.choices = zones_with(chosen)


class PersonForm(PageForm):
    name = StringField("Name", default="")
    email = EmailField("E-mail", default="")
    role = StringField("Role", default="")
    title = StringField("Title", default="")


class WorkspaceForm(PageForm):
    name = StringField("Name", default="")


class LeakForm(PageForm):
    leak_policy = StringField("When a key is found in public", default="")


def zones_with(chosen: str) -> dict[str, list[tuple[str, str]]]:
    """Time zones by area for a select, the chosen one among them whatever it is called."""
    groups = _zones()
    if chosen in {name for names in groups.values() for name, _ in names}:
        return groups
    return {"Chosen": [(chosen, chosen)], **groups}


@lru_cache(maxsize=1)
def _zones() -> dict[str, list[tuple[str, str]]]:
    groups: dict[str, list[tuple[str, str]]] = {"World": [("UTC", "UTC")]}
    for name in sorted(available_timezones()):
        area, _, place = name.partition("/")
        if place and area in AREAS:
            groups.setdefault(area, []).append((name, _words(name)))
    return groups


def _words(name: str) -> str:
    """ "America/Argentina/Buenos_Aires" as people read it, below the heading America."""
    area, _, place = name.partition("/")
    return (place or area).replace("_", " ").replace("/", ", ")
