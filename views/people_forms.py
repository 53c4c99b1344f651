"""What the forms about people and their workspace send. What it may be is decided by the models."""

from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from views.forms import PageForm

# Areas of the tz database that name places; the others are aliases kept for old systems.
AREAS = ("Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific").split()


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
