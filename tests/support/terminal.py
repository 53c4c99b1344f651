"""A terminal in which `flask …` is run."""

import json
from typing import Any

from click.testing import Result
from flask import Flask


class Terminal:
    def __init__(self, app: Flask) -> None:
        self.app = app

    def run(self, *words: object, given: str = "") -> Result:
        """What `flask WORDS` does."""
        return self.app.test_cli_runner().invoke(args=[str(word) for word in words], input=given)

    def ask(self, *words: object, given: str = "") -> Any:
        """What `flask WORDS --json` prints, as data."""
        done = self.run(*words, "--json", given=given)
        assert done.exit_code == 0, done.stderr
        assert not done.stderr
        return json.loads(done.stdout)

    def refuse(self, *words: object, saying: str, given: str = "") -> None:
        """The command ends with status 1, one clear line on standard error and nothing on standard output."""
        done = self.run(*words, given=given)
        assert done.exit_code == 1
        assert not done.stdout
        assert done.stderr.startswith("Error: ")
        assert done.stderr.count("\n") == 1
        assert saying in done.stderr
