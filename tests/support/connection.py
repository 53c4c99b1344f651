"""The one database handle of the models, between tests."""

from models.database import db


def disconnect() -> None:
    if db.obj is not None and db.in_transaction():
        db.rollback()
        db.obj._state.reset()
    if db.obj is not None:
        db.close()
