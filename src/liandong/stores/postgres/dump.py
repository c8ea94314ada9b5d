"""A copy of the database by PostgreSQL's own `pg_dump`, which knows best."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import URL

from liandong.core.values.errors import BadInput


def dump(url: URL, path: Path) -> None:
    """Write a consistent copy in pg_dump's custom form. Raises BadInput where pg_dump is missing or fails."""
    program = shutil.which("pg_dump")
    if program is None:
        raise BadInput("backup.no_pg_dump")
    aside = path.with_name(path.name + ".aside")
    host, port, user = url.host or "", str(url.port or 5432), url.username or ""
    words = [program, "--format=custom", f"--file={aside}", f"--dbname={url.database}", "--no-password"]
    words += [
        f"--port={port}",
        *([f"--host={host}"] if host else []),
        *([f"--username={user}"] if user else []),
    ]
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ)
        if url.password is not None:
            # In a file that only this user reads: arguments and environment are seen by others.
            secret = Path(folder) / "pgpass"
            secret.touch(mode=0o600)
            secret.write_text(f"*:*:*:*:{_escaped(str(url.password))}\n", encoding="utf-8")
            environment["PGPASSFILE"] = str(secret)
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        aside.unlink(missing_ok=True)
        said = (done.stderr.strip().splitlines() or ["?"])[0][:200]
        raise BadInput("backup.pg_dump_failed", problem=said)
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")
