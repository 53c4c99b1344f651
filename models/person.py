"""What is on record of a person: checked and made uniform, for pages and API alike."""

from models import role, text
from models.errors import Invalid
from models.user import email_address, person_name


def checked(values: dict[str, str]) -> dict[str, str]:
    """The values in uniform form, or `Invalid` with every mistake at once."""
    checks = {"name": person_name, "email": email_address, "role": _known_role, "title": _job_title}
    done, errors = {}, {}
    for field, value in values.items():
        try:
            done[field] = checks[field](value)
        except Invalid as problem:
            errors.update(problem.errors)
    if errors:
        raise Invalid(errors)
    return done


def _known_role(value: str) -> str:
    if value not in role.ROLES:
        raise Invalid(role=f"Choose one of: {', '.join(role.ROLES)}.")
    return value


def _job_title(value: str) -> str:
    try:
        return text.line(value, what="a title", longest=120, required=False)
    except text.BadText as problem:
        raise Invalid(title=str(problem)) from problem
