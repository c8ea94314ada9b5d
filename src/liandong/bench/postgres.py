"""A PostgreSQL server of our own: Debian's, in a temporary folder, on a free port of this machine.

For benches and tests. It is ended by its process id. PostgreSQL refuses to run as root, so as root the
server runs as the system user `postgres`, which Debian's package has made.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

USER = "liandong"
_PR_SET_PDEATHSIG = 1  # prctl(2)
#: Settings that make a throw-away server small. Durability is left as it is: it is what is measured.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "unix_socket_directories": "",
    "logging_collector": "off",
    "max_wal_size": "1GB",
}


class NoServer(Exception):
    """No server can be had here; says why."""


class PostgresServer:
    """A running server with one superuser, who comes in with a password."""

    def __init__(self, folder: Path, port: int, password: str, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.port = port
        self.password = password
        self.process = process
        self.password_file = folder / "password"
        self._made = 0
        self._template = ""
        self._lock = threading.Lock()

    def url(self, database: str = "postgres") -> str:
        """As a setting says it: without the password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "") -> str:
        """A fresh database, copied from another where one is named; its name."""
        with self._lock:
            self._made += 1
            name = f"made_{os.getpid()}_{self._made}"
        self.run(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return name

    def copy_of_an_empty_store(self) -> str:
        """A fresh database whose tables are made already: that takes a tenth of the time."""
        with self._lock:
            if not self._template:
                from liandong.stores.postgres import open_postgres

                self._template = f"empty_{os.getpid()}"
                self.run(f'CREATE DATABASE "{self._template}"')
                open_postgres(self.url(self._template), self.password_file).close()
        return self.new_database(self._template)

    def drop(self, database: str) -> None:
        """Remove a database, whoever still looks into it."""
        self.run(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """One statement of its own; its rows, where it has any."""
        import psycopg

        with psycopg.connect(self.url(database), password=self.password, autocommit=True) as connection:
            found = connection.execute(statement)  # type: ignore[arg-type]  # our own statements
            return found.fetchall() if found.description else []

    def stop(self) -> None:
        """End it at once, by its process id, and remove what it kept."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown: sessions are ended
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_server() -> PostgresServer:
    """A new server. Raises NoServer where PostgreSQL or its Python driver is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise NoServer("psycopg is not installed (pip install 'liandong[postgres]')") from error
    programs = _programs()
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="liandong-pg-", dir="/tmp"))
    password = secrets.token_hex(16)
    (folder / "password").write_text(password + "\n", encoding="utf-8")
    (folder / "password").chmod(0o600)
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
        os.chown(folder / "password", user.pw_uid, user.pw_gid)
    data = folder / "data"
    _call(
        user, programs / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--no-sync",
        "--pwfile", folder / "password", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
    )  # fmt: skip
    port = _free_port()
    options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options],
        stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, start_new_session=True,
        preexec_fn=_end_with_us, **_as(user),
    )  # fmt: skip
    log.close()
    made = PostgresServer(folder, port, password, process)
    for _ in range(200):
        try:
            made.run("SELECT 1")
            return made
        except psycopg.OperationalError:
            if process.poll() is not None:
                break
            threading.Event().wait(0.05)
    said = (folder / "log").read_text(errors="replace")[-2000:]
    made.stop()
    raise NoServer(f"the server did not start: {said}")


def _programs() -> Path:
    """The folder of Debian's newest version, or of whatever lies on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    somewhere = shutil.which("initdb")
    if somewhere is None:
        raise NoServer("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return Path(somewhere).resolve().parent


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as where we are root; None where we are somebody else."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError as error:
        raise NoServer("PostgreSQL does not run as root, and there is no user postgres") from error


def _end_with_us() -> None:
    """In the new process: whoever started it may be killed, and then nobody would stop it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for a process of another user."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _call(user: pwd.struct_passwd | None, *words: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, cwd="/", timeout=120, **_as(user)
    )
    if done.returncode:
        raise NoServer(done.stderr.decode(errors="replace")[-2000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
