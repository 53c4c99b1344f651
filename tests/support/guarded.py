"""Ours with one more route: the floor's view, word for word, behind a key with its scope. For the bench alone."""

import json
import os
from pathlib import Path
from typing import Any

from flask import Flask

from app import create_app as ours
from views.api.enforcement import needs

PATH = "/api/v2/guarded"


def create_app() -> Flask:
    app = ours()
    answer: dict[str, Any] = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())

    @needs("read:members")
    def guarded() -> dict[str, Any]:
        return answer

    # By the name of its endpoint it is one of the API's, with all that comes before and after those.
    app.add_url_rule(PATH, endpoint="api.guarded", view_func=guarded)
    return app
