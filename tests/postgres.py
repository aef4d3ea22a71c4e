"""A PostgreSQL server of the tests' own: Debian's, on loopback, with a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from adbc_driver_postgresql import dbapi

OWNER, PASSWORD = "cx owner", "p@ss:w/rd%"
ACCOUNT = "postgres"


class Server:
    """A running server; `url` leads to a database of it as a superuser."""

    def __init__(self, folder: Path, programs: Path, port: int) -> None:
        self.folder, self.programs, self.port = folder, programs, port

    def url(
        self, database: str = "postgres", user: str = "cx%20owner", password: str = "p%40ss:w%2Frd%25"
    ) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c fsync=off"
        )
        self._control("start", "-o", options, "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """At once, as a server that crashes."""
        self._control("stop", "-m", "immediate")

    def new_database(self, name: str) -> str:
        """Its URL."""
        with connect(self.url(), autocommit=True) as con:
            run(con, f'CREATE DATABASE "{name}"')
        return self.url(name)

    def initialize(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        given = ("-D", self.folder / "data", "-U", OWNER, "-A", "scram-sha-256", "--pwfile", secret)
        self._run("initdb", *given, "--encoding", "UTF8", "--locale", "C", "--no-sync")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-w", *arguments)

    def _run(self, program: str, *arguments: object) -> None:
        as_user = ("runuser", "-u", ACCOUNT, "--") if os.getuid() == 0 else ()
        command = [*as_user, str(self.programs / program), *map(str, arguments)]
        # Its children keep what it inherits: no pipes of ours.
        with (self.folder / "said").open("w+") as said:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/", timeout=60
            )
            said.seek(0)
            assert done.returncode == 0, said.read()


@contextmanager
def server() -> Iterator[Server]:
    """A server for as long as this lasts; skips where there is none to be started."""
    programs = max(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None
    )
    if programs is None or not (programs / "initdb").exists():
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="cxmarts_pg_"))
    try:
        if os.getuid() == 0:
            try:
                shutil.chown(folder, ACCOUNT)
            except LookupError:
                pytest.skip(f"PostgreSQL refuses to run as root, and there is no user {ACCOUNT}")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            found = Server(folder, programs, free.getsockname()[1])
        found.initialize()
        found.start()
        try:
            yield found
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                found.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connect(url: str, *, autocommit: bool = False) -> dbapi.Connection:
    """A connection as a reader has it."""
    return dbapi.connect(f"{url}?connect_timeout=10", autocommit=autocommit)


def run(con: dbapi.Connection, statement: str) -> None:
    """A statement that gives nothing."""
    with con.cursor() as cursor:
        cursor.execute(statement)


def rows(con: dbapi.Connection, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with con.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
