"""What all forms of pages have in common: what they send, and how a refusal is shown in them."""

from typing import Any

from flask import request
from flask_wtf import FlaskForm

from models.errors import DomainError, Invalid


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


def carried(*answers: str) -> list[tuple[str, str]]:
    """The fields that were sent, for a question that sends them on; without the `answers` to that question."""
    left_out = ("csrf_token", "password_again", *answers)
    return [(name, value) for name, value in request.form.items(multi=True) if name not in left_out]
