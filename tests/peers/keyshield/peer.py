"""keyshield on FastAPI, tuned: no delays, every key in the memory of every worker before the first request, WAL.

`python peer.py` makes the keys, `uvicorn peer:app` serves.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiocache import SimpleMemoryCache
from fastapi import Depends, FastAPI
from keyshield.api import create_depends_api_key
from keyshield.domain.entities import ApiKey
from keyshield.hasher.argon2 import Argon2ApiKeyHasher
from keyshield.repositories.sql import Base, SqlAlchemyApiKeyRepository
from keyshield.services.cached import CachedApiKeyService
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

KEYS = 100
SCOPE = "read:members"
A_DAY = 24 * 60 * 60
ANSWER = json.loads(Path("answer.json").read_text())

# One connection a worker: with more, their threads wait in SQLite for each other's writes, some for a second.
engine = create_async_engine("sqlite+aiosqlite:///peer.db", pool_size=1, max_overflow=0)
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
hasher = Argon2ApiKeyHasher(pepper="only-for-the-bench")
cache = SimpleMemoryCache()


@event.listens_for(engine.sync_engine, "connect")
def use_wal(connection: Any, _: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


async def service() -> AsyncIterator[CachedApiKeyService]:
    async with sessions() as session, session.begin():
        repository = SqlAlchemyApiKeyRepository(session)
        yield CachedApiKeyService(
            repo=repository, hasher=hasher, cache=cache, cache_ttl=A_DAY, min_delay=0, max_delay=0
        )


@asynccontextmanager
async def warm(_: FastAPI) -> AsyncIterator[None]:
    for key in json.loads(Path("keys.json").read_text()):
        async for keys in service():
            await keys.verify_key(key, required_scopes=[SCOPE])
    yield


app = FastAPI(lifespan=warm)
verified = create_depends_api_key(service, required_scopes=[SCOPE])


@app.get(Path("path").read_text())
async def key(_: ApiKey = Depends(verified)) -> dict[str, Any]:  # noqa: B008 (FastAPI's way)
    return ANSWER


async def seed() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    end = datetime.now(UTC) + timedelta(days=90)
    async for keys in service():
        made = [await keys.create(name=f"Key {number}", expires_at=end, scopes=[SCOPE]) for number in range(KEYS)]
        Path("keys.json").write_text(json.dumps([secret for _, secret in made]))


if __name__ == "__main__":
    asyncio.run(seed())
