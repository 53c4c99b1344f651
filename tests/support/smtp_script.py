"""A mail server that talks as a test says, down to the byte: for what no real one can be told to do."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Line = socket.socket


@contextlib.contextmanager
def served(talk: Callable[[Line, threading.Event], None]) -> Iterator[int]:
    """A server that talks so with each client; yields its port."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            while not done.is_set():
                with contextlib.suppress(OSError):
                    line, _ = listening.accept()
                    with line:
                        talk(line, done)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            done.set()
            thread.join()


@dataclass
class Script:
    """Answers by the verb: `.` is the end of the text. An answer that ends in `!` closes the line after it."""

    answers: dict[str, str] = field(default_factory=dict)
    # What came, without its texts.
    heard: list[str] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)

    def talk(self, line: Line, done: threading.Event) -> None:
        line.settimeout(60)
        with line.makefile("rb") as lines:
            said = self._say(line, "220 strange.example ESMTP")
            while said and (command := lines.readline()):
                self.heard.append(command.decode("utf-8", "replace").strip())
                verb = command.split()[0].decode().upper()
                said = self._say(line, self.answers.get(verb) or _USUAL.get(verb, "250 OK"))
                if said and verb == "DATA" and not self.answers.get(verb):
                    self.texts.append(b"".join(iter(lines.readline, b".\r\n")))
                    said = self._say(line, self.answers.get(".", "250 Taken"))

    @staticmethod
    def _say(line: Line, answer: str) -> bool:
        """Whether the line stays open."""
        if words := answer.removesuffix("!"):
            line.sendall(words.replace("\n", "\r\n").encode() + b"\r\n")
        return not answer.endswith("!")


_USUAL = {"DATA": "354 Go on", "QUIT": "221 Bye!", "EHLO": "250-strange.example\n250 8BITMIME"}
