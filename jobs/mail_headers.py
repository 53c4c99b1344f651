"""The fields of a message as mail programs read them, where the library's own policies write them otherwise.

`email.policy.SMTP` turns the address in List-Unsubscribe into encoded words, since it is longer than a line: no program
takes that for an address, so that nobody could stop the mail by one click. It decodes what looks like an encoded word
in a name, control characters included, and loses blanks between the words that it encodes.
"""

from email.header import Header
from email.policy import EmailPolicy
from typing import Any

SUBJECT = "Subject"
# Written as they are given.
AS_THEY_ARE = frozenset({"To", "Message-ID", "List-Unsubscribe"})


class Fields(EmailPolicy):
    """Like `email.policy.SMTP`, but for the fields above."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**{"linesep": "\r\n", **more})

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        if name != SUBJECT and name not in AS_THEY_ARE:
            return super().header_store_parse(name, value)
        if len(value.splitlines()) > 1:
            raise ValueError(f"{name} has more than one line.")
        return name, value

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name == SUBJECT:
            return f"{name}: {_encoded(value)}\r\n".encode()
        if name in AS_THEY_ARE:
            return f"{name}: {value}\r\n".encode()
        return super().fold_binary(name, value)


def _encoded(words: str) -> str:
    """In lines of at most 78 characters; as a whole in encoded words (RFC 2047), unless it needs none."""
    plain = words.isascii() and "=?" not in words
    return Header(words, "us-ascii" if plain else "utf-8", header_name=SUBJECT).encode(linesep="\r\n")
