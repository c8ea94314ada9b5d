"""How this process runs: flags > environment > file > default. What must be explained is policy.

Secrets never pass through here: a setting names the file that holds one.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from liandong.core.values.errors import BadInput

PREFIX = "LIANDONG_"
#: Names the settings file itself, so it is no setting.
FILE_VARIABLE = f"{PREFIX}SETTINGS"
_SECRET_ENDINGS = ("_secret", "_token", "_password")
#: Without `user:password@`, because an address is printed and logged.
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+(/\S*)?$")]
#: A folder, or an address without `:password@`.
StoreAddress = Annotated[
    str, StringConstraints(pattern=r"^(postgresql://([^\s:@/]+@)?[^\s:@/]+(:\d+)?/[^\s/?]+|[^\s:]+)$")
]


class _WithoutSecrets(BaseSettings):
    """Values of settings are printed and logged, so a class that asks for a secret cannot be written."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.model_fields:
            if name.endswith(_SECRET_ENDINGS):
                raise TypeError(f"setting {name} holds a secret: name the file instead ({name}_file)")


class Settings(_WithoutSecrets):
    """Every setting, its default and its meaning; made by `load_settings`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX, validate_default=False)

    data: Path = Field(Path("data"), description="Folder of everything this process remembers.")
    city: Path | None = Field(None, description="Folder of the city's dataset to take in at start.")
    store: StoreAddress | None = Field(
        None,
        description="Where journal, state and outbox are kept: a folder for SQLite, or the address of a "
        "PostgreSQL database without its password.",
        json_schema_extra={"shown": "<data>", "accepts": "path or postgresql://user@host:port/database"},
    )
    store_password_file: Path | None = Field(
        None, description="File of the password for the PostgreSQL database."
    )
    coordinator: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.\-]{0,39}$")] = Field(
        "main",
        description="Name of this process among those that share a PostgreSQL database; each has its own.",
        json_schema_extra={"accepts": "a-z 0-9 . -"},
    )
    lease_s: Annotated[float, Ge(1), Le(600)] = Field(
        10.0, description="Seconds without a sign of life after which others take over a process's cases."
    )
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on; only this machine by default."
    )
    port: Annotated[int, Ge(1), Le(65535)] = Field(8421, description="TCP port to listen on.")
    hj212_port: Annotated[int | None, Ge(1), Le(65535)] = Field(
        None, description="TCP port for devices that speak HJ 212; no such door where none is set."
    )
    gb26875_port: Annotated[int | None, Ge(1), Le(65535)] = Field(
        None, description="TCP port for fire transmission units (GB/T 26875.3); no door where none is set."
    )
    jt808_port: Annotated[int | None, Ge(1), Le(65535)] = Field(
        None, description="TCP port for vehicle terminals (JT/T 808); no door where none is set."
    )
    hj212_password_file: Path | None = Field(
        None,
        description="File of the password that HJ 212 devices have to send; without one any is taken.",
    )
    field_file: Path | None = Field(
        None,
        description="File of the links to field devices that this process opens: Modbus, OPC UA, MQTT.",
    )
    keys: Path = Field(
        default_factory=lambda made: made["data"] / "keys",
        description="Folder of the signing key and the keyring; best on another disk than the data.",
        json_schema_extra={"shown": "<data>/keys"},
    )
    signing_key_file: Path = Field(
        default_factory=lambda made: made["keys"] / "signing.key",
        description="File of the key that signs the journal's roots.",
        json_schema_extra={"shown": "<keys>/signing.key"},
    )
    jt808_secret_file: Path = Field(
        default_factory=lambda made: made["keys"] / "jt808.secret",
        description="File of the secret that the authentication codes of JT/T 808 terminals come from; made "
        "on first use.",
        json_schema_extra={"shown": "<keys>/jt808.secret"},
    )
    anchor_file: Path | None = Field(
        None, description="File to which roots are appended, on a disk that the operator does not control."
    )
    anchor_url: Address | None = Field(None, description="Address to which roots are posted.")
    webhook_url: Address | None = Field(None, description="Address to which orders are delivered.")
    channels_file: Path | None = Field(
        None,
        description="File of the channels over which people are told, with their addresses and secrets.",
    )
    outbox_file: Path = Field(
        default_factory=lambda made: made["data"] / "outbox.jsonl",
        description="File to which deliveries are written beside every other channel.",
        json_schema_extra={"shown": "<data>/outbox.jsonl"},
    )
    bridges_file: Path | None = Field(
        None, description="File of the addresses of receivers' own systems, a table for each bridge."
    )
    bridge_poll_s: Annotated[float, Ge(0.05), Le(3_600)] = Field(
        2.0, description="Seconds between two looks at a bridge's tables or folder."
    )
    bridge_reconcile_s: Annotated[int, Ge(1), Le(86_400)] = Field(
        600, description="Seconds between two comparisons of the open orders of both sides."
    )
    language: Literal["zh", "en"] = Field("zh", description="Language of texts where nobody has chosen one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )
    log_file: Path | None = Field(None, description="File of the log; standard error where none is named.")
    group_size: Annotated[int, Ge(1), Le(10_000)] = Field(
        400, description="Most messages that the writer decides in one transaction."
    )
    queue_limit: Annotated[int, Ge(1), Le(10_000_000)] = Field(
        20_000, description="Messages that may wait for the writer; then senders are told to try again."
    )
    root_interval_s: Annotated[int, Ge(1), Le(86_400)] = Field(
        60, description="Seconds between two signed roots of the journal."
    )
    snapshot_interval_s: Annotated[int, Ge(1), Le(86_400)] = Field(
        60, description="Seconds between two snapshots of the detectors' state."
    )
    compaction_interval_s: Annotated[int, Ge(1), Le(86_400)] = Field(
        3600, description="Seconds after which the readings log is closed into sorted Parquet."
    )
    tick_s: Annotated[float, Ge(0.01), Le(60)] = Field(
        1.0, description="Seconds between two ticks of the clock."
    )

    public_url: Address | None = Field(
        None, description="Address by which browsers reach this process; with https its cookies need https."
    )
    session_idle_minutes: Annotated[int, Ge(1), Le(525_600)] = Field(
        30, description="Minutes without activity after which a session ends."
    )
    session_hours: Annotated[int, Ge(1), Le(8_760)] = Field(
        12, description="Hours after which a session ends whatever is done."
    )
    password_length: Annotated[int, Ge(8), Le(128)] = Field(
        10, description="Least number of characters of a password."
    )
    password_days: Annotated[int, Ge(0), Le(3_650)] = Field(
        90, description="Days after which another password has to be chosen; 0 is never."
    )
    sign_in_attempts: Annotated[int, Ge(1), Le(100)] = Field(
        5, description="Failed sign-ins after which an account is locked for a while."
    )
    lock_minutes: Annotated[int, Ge(1), Le(1_440)] = Field(
        15, description="Minutes for which it is locked; each lock in a row lasts twice as long."
    )
    oidc_issuer: Address | None = Field(
        None, description="Issuer of an OpenID Connect provider that signs people in beside the accounts."
    )
    oidc_client_id: str = Field("liandong", min_length=1, description="Name of this client at the provider.")
    oidc_client_secret_file: Path | None = Field(
        None, description="File of the client's secret; without one the client is a public one."
    )
    oidc_claim: str = Field(
        "preferred_username", min_length=1, description="Claim that holds the name of the account."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` gathered: it knows where each value came from, as errors must say."""
        return (init_settings,)


def load_settings(
    flags: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Gather, check and freeze. Flags that are None were not given; raises BadInput for one bad setting."""
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    variables = os.environ if environment is None else environment
    chosen = given.pop("settings", None) or variables.get(FILE_VARIABLE) or None
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    if chosen is not None:
        path = Path(str(chosen))
        for name, value in _read_file(path).items():
            values[name], origins[name] = _beside(path, name, value), str(path)
    for name, text in _from_environment(variables).items():
        values[name], origins[name] = text, f"{PREFIX}{name.upper()}"
    for name, value in given.items():
        values[name], origins[name] = value, "--" + name.replace("_", "-")
    for name in values:
        _refuse_secret(name, origins[name])
    try:
        return Settings(**values)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        raise _as_bad_input(error, origins) from None


def settings_table() -> str:
    """The table of docs/reference/settings.md."""
    lines = ["| setting | flag | environment | accepts | default | meaning |", "|---|---|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        default = extra["shown"] if isinstance(extra, dict) and "shown" in extra else field.default
        flag = "--" + name.replace("_", "-")
        lines.append(
            f"| `{name}` | `{flag}` | `{PREFIX}{name.upper()}` | {_accepts(name).replace('|', 'or')} "
            f"| {'–' if default is None else f'`{default}`'} | {field.description} |"
        )
    return "\n".join(lines) + "\n"


def _from_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Settings among the variables; an empty one counts as not given, as shells cannot unset in place.

    Variables that only look alike are left alone, because container platforms put their own
    (LIANDONG_SERVICE_HOST) beside ours; one that is nearly a setting is a slip and refused.
    """
    found: dict[str, str] = {}
    for variable, text in variables.items():
        name = variable.upper().removeprefix(PREFIX).lower()
        if not variable.upper().startswith(PREFIX) or variable.upper() == FILE_VARIABLE or text == "":
            continue
        _refuse_secret(name, variable)
        if name in Settings.model_fields:
            found[name] = text
        elif difflib.get_close_matches(name, Settings.model_fields, 1, 0.75):
            raise _unknown(name, variable)
    return found


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput("settings.file_unreadable", path=str(path), problem=error.strerror) from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput("settings.file_malformed", path=str(path), problem=str(error)) from error
    except UnicodeDecodeError as error:
        raise BadInput("settings.file_malformed", path=str(path), problem="UTF-8") from error


def _beside(file: Path, name: str, value: object) -> object:
    """Paths in a file are relative to that file, so a service may start in any folder."""
    is_path = name in Settings.model_fields and "Path" in str(Settings.model_fields[name].annotation)
    is_path = is_path or (name == "store" and isinstance(value, str) and "://" not in value)
    if not is_path or not isinstance(value, str):
        return value
    return str(file.parent / value) if name == "store" else file.parent / value


def _refuse_secret(name: str, origin: str) -> None:
    if name.endswith(_SECRET_ENDINGS):
        raise BadInput("settings.secret_value", setting=name, origin=origin)


def _unknown(name: str, origin: str) -> BadInput:
    near = difflib.get_close_matches(name, Settings.model_fields, 1, 0.6)
    return BadInput("settings.unknown", setting=name, origin=origin, near=near[0] if near else "–")


def _as_bad_input(error: ValidationError, origins: Mapping[str, str]) -> BadInput:
    """The first problem, without the value: an address may carry what should have been in a file."""
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = str(problem["loc"][0])
    origin = origins.get(name, "default")
    if problem["type"] == "extra_forbidden":
        return _unknown(name, origin)
    return BadInput("settings.invalid", setting=name, origin=origin, accepts=_accepts(name))


def _accepts(name: str) -> str:
    """What a setting takes, in a form that needs no translation."""
    field = Settings.model_fields[name]
    written = str(field.annotation)
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "accepts" in extra:
        return str(extra["accepts"])
    low = next((mark.ge for mark in field.metadata if isinstance(mark, Ge)), None)
    high = next((mark.le for mark in field.metadata if isinstance(mark, Le)), None)
    if low is not None:
        return f"{low} … {high}"
    if "Literal" in written:
        return " | ".join(field.annotation.__args__)  # type: ignore[union-attr]  # a Literal has arguments
    if "StringConstraints" in written or any(isinstance(m, StringConstraints) for m in field.metadata):
        return "http(s)://host/…"
    return "path" if "Path" in written else "text"
