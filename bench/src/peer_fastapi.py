"""FastAPI as its guide to OAuth2 with JWT has it: HS256, the password form, the user through Depends. The same
database, work and hashing cost as the other peers."""

import os
import secrets
import sqlite3
import time
from datetime import datetime, timedelta, timezone

import bcrypt
import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel

SECRET = secrets.token_bytes(32)
LIFETIME_MS = 90 * 24 * 60 * 60 * 1000

database = sqlite3.connect(os.environ["DATABASE_FILE"], timeout=5, check_same_thread=False, isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("PRAGMA foreign_keys = ON")

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


class User(BaseModel):
    id: str
    username: str
    email: str | None
    fullName: str
    role: str
    disabled: bool
    createdAt: int


def now_ms() -> int:
    return int(time.time() * 1000)


async def get_current_user(token: str = Depends(oauth2_scheme)) -> User:
    refused = HTTPException(status.HTTP_401_UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise refused
    row = database.execute(
        """select users.id, username, email, full_name, role, disabled, users.created_at
        from sessions inner join users on users.id = user_id
        where sessions.id = ? and ended_at is null and expires_at > ? and idle_expires_at > ? and disabled = 0""",
        (claims["sid"], now_ms(), now_ms()),
    ).fetchone()
    if row is None:
        raise refused
    return User(**dict(zip(User.__fields__, row)))


@app.get("/healthz")
async def healthz():
    return {"status": "ok"}


# Not async: bcrypt runs in the pool of threads, and lets go of the interpreter's lock.
@app.post("/token")
def token(form: OAuth2PasswordRequestForm = Depends()):
    row = database.execute("select id, password_hash from users where username = ?", (form.username,)).fetchone()
    if row is None or not bcrypt.checkpw(form.password.encode(), row[1].encode()):
        raise HTTPException(status.HTTP_401_UNAUTHORIZED)
    return {"access_token": start_session(row[0]), "token_type": "bearer"}


def start_session(user_id: str) -> str:
    session, now = secrets.token_urlsafe(16), now_ms()
    # One statement: the connection is shared by the threads of the pool, and a transaction would be too.
    database.execute(
        """insert into sessions (id, user_id, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at,
        seed, generation, replaced) values (?1, ?2, ?3, ?3, ?3, ?4, ?4, ?5, 0, '[]')""",
        (session, user_id, now, now + LIFETIME_MS, secrets.token_urlsafe(20)),
    )
    expires = datetime.now(timezone.utc) + timedelta(minutes=10)
    return jwt.encode({"sub": user_id, "sid": session, "exp": expires}, SECRET, algorithm="HS256")


@app.get("/users/me", response_model=User)
async def read_users_me(user: User = Depends(get_current_user)):
    return user
