"""Commands about who may sign in: accounts of persons, tokens of programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from liandong.cli.common import DataOption, app, group, need_data
from liandong.core.values.errors import BadInput

account = group("account", "Accounts of the persons who sign in to the console.")
Name = Annotated[str, typer.Argument(help="Name of the account; upper and lower case are the same.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="File whose first line is the first password; asked for otherwise."),
]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="TOML file of settings.")]


@app.command()
def token(
    data: DataOption,
    person: Annotated[str, typer.Option(help="Person, e.g. person:p001.")] = "",
    post: Annotated[str, typer.Option(help="Post the person acts as.")] = "",
    source: Annotated[str, typer.Option(help="Or a source that sends readings.")] = "",
    days: Annotated[int, typer.Option(help="How long it is good.")] = 30,
) -> None:
    """Make a token for a person as a post, or for a source. It is shown once; only its digest is kept."""
    from liandong.wiring.accounts import make_token

    need_data(data)
    typer.echo(make_token(data, person, post, source, days))


@account.command()
def add(
    name: Name,
    data: DataOption,
    person: Annotated[str, typer.Option(help="Person of the city's dataset, e.g. person:p001.")],
    password_file: PasswordFile = None,
    without_password: Annotated[
        bool, typer.Option("--without-password", help="Only the identity provider signs it in.")
    ] = False,
    settings: SettingsOption = None,
) -> None:
    """Make an account; its first password has to be changed at the first sign-in."""
    from liandong.wiring.accounts import add_account

    need_data(data)
    password = "" if without_password else _password(password_file)
    typer.echo(add_account(data, name, person, password, _settings(settings)))


@account.command("list")
def list_all(data: DataOption) -> None:
    """Every account with its person and its state."""
    from liandong.core.values.times import format_time
    from liandong.wiring.accounts import list_accounts

    need_data(data)
    for row, locked in list_accounts(data):
        said = [
            word
            for word, so in (
                ("disabled", row.disabled), ("locked", locked), ("must-change", row.must_change),
                ("without-password", not row.hash),
            )
            if so
        ]  # fmt: skip
        typer.echo(f"{row.name}\t{row.person}\t{format_time(row.changed)}\t{','.join(said) or 'active'}")


@account.command()
def disable(name: Name, data: DataOption) -> None:
    """Nobody signs in with it any more, and its sessions end. A new password enables it again."""
    from liandong.wiring.accounts import disable_account

    need_data(data)
    disable_account(data, name)


@account.command()
def remove(name: Name, data: DataOption) -> None:
    """Remove an account with its name; the journal keeps what the person did under the person's key."""
    from liandong.wiring.accounts import remove_account

    need_data(data)
    remove_account(data, name)


@account.command()
def password(
    name: Name, data: DataOption, password_file: PasswordFile = None, settings: SettingsOption = None
) -> None:
    """Give a new first password: sessions end, a lock is lifted, a disabled account is enabled."""
    from liandong.wiring.accounts import set_password

    need_data(data)
    set_password(data, name, _password(password_file), _settings(settings))


def _settings(path: Path | None) -> Any:
    from liandong.app.settings import load_settings

    return load_settings({"settings": path})


def _password(path: Path | None) -> str:
    """From a file or typed twice; never from a flag, which every process of the machine could read."""
    if path is not None:
        try:
            first = path.read_text(encoding="utf-8").splitlines()[:1]
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("account.password_file", path=str(path)) from error
        if not first or not first[0]:
            raise BadInput("account.password_file", path=str(path))
        return first[0]
    if not sys.stdin.isatty():
        raise BadInput("account.no_terminal")
    typed: str = typer.prompt("密码 password", hide_input=True, confirmation_prompt=True)
    return typed
