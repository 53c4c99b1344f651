"""The chats and the data of the demo workspace. Times are days before the demo was made."""

from typing import Any, NamedTuple


class Said(NamedTuple):
    ago: float
    by: str
    text: str


class Talk(NamedTuple):
    """A chat that its first speaker started, with the speakers as participants."""

    title: str
    said: tuple[Said, ...]


class Table(NamedTuple):
    """A collection with its records, each with its age."""

    ago: float
    by: str
    name: str
    title: str
    schema: dict[str, Any]
    records: tuple[tuple[float, dict[str, Any]], ...]


TALKS = (
    Talk(
        "Van 7 needs new tyres",
        (
            Said(31.42, "Rafael Moreira", "Van 7 slid on the quay in Porto this morning. Front tyres are at 2 mm."),
            Said(31.39, "Dmytro Kovalenko", "There is a set in the warehouse, 215/65 R16. When can it come in?"),
            Said(31.38, "Rafael Moreira", "Thursday after four."),
            Said(29.12, "Dmytro Kovalenko", "Done. The old ones are on the rack for disposal."),
        ),
    ),
    Talk(
        "Maison Claire: lift, third visit",
        (
            Said(8.55, "Siobhán Ní Bhriain", "Amélie called: the lift stopped between floors again, nobody inside."),
            Said(8.53, "Lena Vogt", "That is the third time in five weeks. I send Rafael, he knows the controller."),
            Said(8.21, "Rafael Moreira", "Door contact on 2 was loose. Replaced it:\n- contact DC-40\n- both springs"),
            Said(7.94, "Siobhán Ní Bhriain", "She is happy. I will call her again on Monday."),
            Said(4.93, "Siobhán Ní Bhriain", "Called. No stop since."),
        ),
    ),
    Talk(
        "Numbers for the quarter",
        (
            Said(2.31, "Noor El-Amin", "The nightly report has 214 visits, the sheet 209. Which five are missing?"),
            Said(2.27, "Chidi Okafor", "Cancelled on the day. They count as visits for us, but not on the invoice."),
            Said(2.26, "Noor El-Amin", "Then I add a column for them. Thank you."),
        ),
    ),
)  # fmt: skip

TABLES = (
    Table(
        205.2, "Marcus Lindqvist", "vans", "Vans",
        {
            "type": "object",
            "properties": {
                "plate": {"type": "string", "minLength": 4, "maxLength": 12},
                "model": {"type": "string"},
                "kilometres": {"type": "integer", "minimum": 0},
                "driver": {"type": ["string", "null"]},
                "inspected_on": {"type": "string", "format": "date"},
            },
            "required": ["plate", "kilometres"],
            "additionalProperties": False,
        },
        (
            (204.9, {"plate": "FS-114-K", "model": "Kangoo E-Tech", "kilometres": 48210, "driver": "Lena Vogt"}),
            (204.8, {"plate": "FS-207-K", "model": "Transit Custom", "kilometres": 131876, "driver": "Rafael Moreira",
                     "inspected_on": "2026-02-17"}),
            (61.3, {"plate": "FS-301-L", "model": "ID. Buzz Cargo", "kilometres": 6904, "driver": None}),
        ),
    ),
    Table(
        172.6, "Aiko Tanaka", "work-orders", "Work orders",
        {
            "type": "object",
            "properties": {
                "number": {"type": "string", "minLength": 1, "maxLength": 20},
                "site": {"type": "string"},
                "status": {"enum": ["open", "planned", "done", "cancelled"]},
                "contact": {"type": "string", "format": "email"},
                "hours": {"type": "number", "minimum": 0, "multipleOf": 0.25},
                "parts": {
                    "type": "array",
                    "maxItems": 50,
                    "items": {
                        "type": "object",
                        "properties": {"sku": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
                        "required": ["sku", "count"],
                    },
                },
            },
            "required": ["number", "status"],
            "additionalProperties": False,
        },
        (
            (33.7, {"number": "WO-2031", "site": "Maison Claire, lift", "status": "done", "hours": 3.5,
                    "contact": "amelie.rousseau@maison-claire.example", "parts": [{"sku": "DC-38", "count": 1}]}),
            (19.2, {"number": "WO-2044", "site": "Hekla studio, heating", "status": "done", "hours": 1.25,
                    "contact": "bjork@hekla-design.example"}),
            (8.5, {"number": "WO-2052", "site": "Maison Claire, lift", "status": "done", "hours": 2,
                   "contact": "amelie.rousseau@maison-claire.example",
                   "parts": [{"sku": "DC-40", "count": 1}, {"sku": "SP-12", "count": 2}]}),
            (3.1, {"number": "WO-2058", "site": "Cedar Clinics, ventilation", "status": "planned",
                   "contact": "nadia.haddad@cedar-clinics.example"}),
            (0.4, {"number": "WO-2061", "site": "Vieux-Port, intercom", "status": "open",
                   "contact": "ctremblay@vieux-port.example"}),
        ),
    ),
)  # fmt: skip
