"""CRM sync: keeps a CSV file (name, email, title) and the members of the workspace the same, both ways.

Scopes: read:members, write:members. Run it as often as you like:

    python crm_sync.py contacts.csv

`contacts.csv.state` remembers what both sides agreed on last. A change on one side is carried to the other. Where both
changed the same person, the workspace wins and a line says so. Nobody is ever removed. It can be stopped anywhere: a
person is on record in the state only once both sides have them, and adding one twice happens once.
"""

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from gravity_rail import Workspace

FIELDS = ("name", "email", "title")
Person = dict[str, str]


class Sync:
    def __init__(self, file: Path) -> None:
        self.file, self.state_file = file, file.with_name(f"{file.name}.state")
        self.workspace = Workspace()
        self.members = {each["email"]: each for each in self.workspace.all("/members")}
        self.contacts = read_contacts(file)
        self.agreed: dict[str, Person] = json.loads(self.state_file.read_text()) if self.state_file.exists() else {}
        self.done = {"sent": 0, "fetched": 0, "conflicts": 0}

    def run(self) -> None:
        for email in sorted(self.members.keys() | self.contacts.keys()):
            self.settle(email)
        print(", ".join(f"{count} {what}" for what, count in self.done.items()))

    def settle(self, email: str) -> None:
        """Bring both sides of one person to the same, then remember it."""
        member, contact, agreed = self.members.get(email), self.contacts.get(email), self.agreed.get(email)
        theirs = shape(member) if member else None
        if theirs == contact:
            self.agree(email, theirs)
        elif theirs is None:
            self.add(contact)
        elif contact is None or contact == agreed:
            self.fetch(email, theirs)
        elif agreed is not None and theirs == agreed:
            self.send(member, contact)
        else:
            print(f"{email} changed on both sides: the workspace wins", file=sys.stderr)
            self.done["conflicts"] += 1
            self.fetch(email, theirs)

    def add(self, contact: Person) -> None:
        once = hashlib.sha256(json.dumps(contact, sort_keys=True).encode()).hexdigest()
        made = self.workspace.post("/members", contact, once=once)
        self.done["sent"] += 1
        self.agree(contact["email"], shape(made))

    def send(self, member: dict[str, Any], contact: Person) -> None:
        changed = {field: contact[field] for field in ("name", "title") if contact[field] != member[field]}
        made = self.workspace.patch(f"/members/{member['id']}", changed)
        self.done["sent"] += 1
        self.agree(contact["email"], shape(made))

    def fetch(self, email: str, theirs: Person) -> None:
        self.contacts[email] = theirs
        write_contacts(self.file, self.contacts)
        self.done["fetched"] += 1
        self.agree(email, theirs)

    def agree(self, email: str, person: Person) -> None:
        if self.agreed.get(email) != person:
            self.agreed[email] = person
            replace(self.state_file, json.dumps(self.agreed, indent=1, sort_keys=True))


def shape(member: dict[str, Any]) -> Person:
    return {field: member[field] for field in FIELDS}


def read_contacts(file: Path) -> dict[str, Person]:
    if not file.exists():
        return {}
    with file.open(newline="", encoding="utf-8") as rows:
        found = ({field: (row.get(field) or "").strip() for field in FIELDS} for row in csv.DictReader(rows))
        return {row["email"].lower(): row | {"email": row["email"].lower()} for row in found if row["email"]}


def write_contacts(file: Path, contacts: dict[str, Person]) -> None:
    draft = file.with_name(f".{file.name}.draft")
    with draft.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, FIELDS)
        writer.writeheader()
        writer.writerows(contacts[email] for email in sorted(contacts))
    draft.replace(file)


def replace(file: Path, text: str) -> None:
    """Whoever reads the file sees the old text or the new one, never a part."""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(text)
    draft.replace(file)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python crm_sync.py contacts.csv")
    Sync(Path(sys.argv[1])).run()
