"""Text from people: made uniform, and refused where it could mislead a reader or break a header."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

# Bidirectional controls (Unicode TR 9) can make a name read as another one.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNPRINTABLE = frozenset(("Cc", "Cs", "Co", "Cn", "Zl", "Zp"))


class BadText(ValueError):
    """Says what is wrong with a text, in a sentence for its author."""


def line(value: str, *, what: str, longest: int, required: bool = True) -> str:
    """One line of text in Unicode NFC without surrounding blanks, at most `longest` characters."""
    text = unicodedata.normalize("NFC", value).strip()
    if required and not any(unicodedata.category(char)[0] not in "ZC" for char in text):
        raise BadText(f"Enter {what}.")
    if len(text) > longest:
        raise BadText(f"Use at most {longest} characters. This has {len(text)}.")
    if any(char in BIDI or unicodedata.category(char) in UNPRINTABLE for char in text):
        raise BadText("Use plain text on one line, without control characters.")
    return text


def folded(value: str) -> str:
    """What two texts have in common that look alike: without case, and without what cannot be seen."""
    return "".join(char for char in value.casefold() if unicodedata.category(char) != "Cf")


def email(value: str) -> str:
    """An e-mail address, lower case, since people are found by it."""
    try:
        # Only the form is checked: whether mail arrives is found out by sending some.
        checked = validate_email(value.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as problem:
        raise BadText("Enter an e-mail address, like ada@example.com.") from problem
    return checked.normalized.lower()


def mail_address(address: str) -> str:
    """An address as mail servers know it, with its domain in ASCII."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


def ascii_domain(domain: str) -> str:
    """By the rules of 2008. By those of 2003, which Python's own codec has, mail to straße.de goes to strasse.de."""
    if domain.isascii():
        return domain
    checked = validate_email(f"anybody@{domain}", check_deliverability=False, globally_deliverable=False)
    return str(checked.ascii_domain)
