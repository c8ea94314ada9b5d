"""Settings: which of four places wins, what a bad one says, and that no secret gets in or out."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from liandong.app.settings import Settings, _WithoutSecrets, load_settings, settings_table
from liandong.core.values.errors import BadInput
from liandong.texts import text


def _file(folder: Path, body: str) -> str:
    path = folder / "liandong.toml"
    path.write_text(body, encoding="utf-8")
    return str(path)


def _refusal(flags: dict[str, object], environment: dict[str, str]) -> BadInput:
    with pytest.raises(BadInput) as refused:
        load_settings(flags, environment)
    for language in ("zh", "en"):
        words = text(refused.value.key, language, **refused.value.params)
        assert "{" not in words and "⟦" not in words
    return refused.value


def test_flags_win_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = _file(tmp_path, "port = 1\ngroup_size = 1\nqueue_limit = 1\n")
    environment = {"LIANDONG_SETTINGS": file, "LIANDONG_PORT": "2", "LIANDONG_GROUP_SIZE": "2"}
    made = load_settings({"port": 3, "host": None}, environment)
    assert (made.port, made.group_size, made.queue_limit) == (3, 2, 1)
    assert made.host == "127.0.0.1"


def test_the_flag_for_the_file_wins_over_the_variable(tmp_path: Path) -> None:
    file = _file(tmp_path, "port = 7\n")
    assert load_settings({"settings": file}, {"LIANDONG_SETTINGS": "/nowhere"}).port == 7


def test_folders_follow_the_data_folder_unless_named() -> None:
    made = load_settings({"data": "/srv/city"}, {})
    assert made.keys == Path("/srv/city/keys")
    assert made.outbox_file == Path("/srv/city/outbox.jsonl")
    assert made.signing_key_file == Path("/srv/city/keys/signing.key")
    assert load_settings({"keys": "/other"}, {}).signing_key_file == Path("/other/signing.key")


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    made = load_settings({"settings": _file(tmp_path, 'data = "state"\ncity = "/abs"\n')}, {})
    assert (made.data, made.city) == (tmp_path / "state", Path("/abs"))


def test_an_empty_variable_counts_as_not_given() -> None:
    assert load_settings({}, {"LIANDONG_PORT": ""}).port == 8421


def test_a_bad_value_is_refused_with_name_origin_and_what_is_accepted(tmp_path: Path) -> None:
    by_flag = _refusal({"port": "x"}, {})
    assert by_flag.params == {"setting": "port", "origin": "--port", "accepts": "1 … 65535"}
    assert _refusal({}, {"LIANDONG_LANGUAGE": "fr"}).params["origin"] == "LIANDONG_LANGUAGE"
    file = _file(tmp_path, "tick_s = 0\n")
    assert _refusal({"settings": file}, {}).params["origin"] == file


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    error = _refusal({}, {"LIANDONG_WEBHOOK_URL": "https://me:hunter2@example.org/x"})
    assert error.key == "settings.invalid"
    assert "hunter2" not in str(error) and error.__cause__ is None
    assert (
        load_settings({"webhook_url": "https://example.org:8/x"}, {}).webhook_url == "https://example.org:8/x"
    )


@pytest.mark.parametrize("name", ["db_password", "webhook_token", "signing_secret"])
def test_a_secret_is_refused_from_every_place(name: str, tmp_path: Path) -> None:
    file = _file(tmp_path, f'{name} = "hunter2"\n')
    for flags, environment in (
        ({name: "hunter2"}, {}),
        ({}, {f"LIANDONG_{name.upper()}": "hunter2"}),
        ({"settings": file}, {}),
    ):
        error = _refusal(flags, environment)
        assert error.key == "settings.secret_value" and "hunter2" not in str(error)


def test_a_class_with_a_secret_cannot_be_written() -> None:
    with pytest.raises(TypeError, match="api_token"):

        class _Bad(_WithoutSecrets):
            api_token: str = ""


def test_slips_are_named_and_strangers_left_alone(tmp_path: Path) -> None:
    slip = _refusal({}, {"LIANDONG_PROT": "1"})
    assert (slip.key, slip.params["near"]) == ("settings.unknown", "port")
    assert _refusal({"settings": _file(tmp_path, "colour = 1\n")}, {}).key == "settings.unknown"
    assert load_settings({}, {"LIANDONG_SERVICE_HOST": "10.0.0.1", "HOME": "/x"}).host == "127.0.0.1"


def test_an_unreadable_or_malformed_file_says_so(tmp_path: Path) -> None:
    assert _refusal({"settings": str(tmp_path / "none.toml")}, {}).key == "settings.file_unreadable"
    assert _refusal({"settings": _file(tmp_path, "port = = 1")}, {}).key == "settings.file_malformed"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load_settings({}, {}).port = 1


def test_the_table_names_every_setting_in_one_row() -> None:
    rows = settings_table().splitlines()[2:]
    assert len(rows) == len(Settings.model_fields)
    for name, row in zip(Settings.model_fields, rows, strict=True):
        assert row.startswith(f"| `{name}` |") and row.count(" | ") == 5
        assert row.endswith(". |")


def test_doors_of_devices_are_off_until_a_port_is_named() -> None:
    made = load_settings({}, {})
    assert (made.hj212_port, made.gb26875_port, made.hj212_password_file) == (None, None, None)
    made = load_settings({"gb26875_port": 5201}, {"LIANDONG_HJ212_PORT": "9212"})
    assert (made.hj212_port, made.gb26875_port) == (9212, 5201)
    for bad in ("0", "65536", "-1", "x"):
        error = _refusal({}, {"LIANDONG_HJ212_PORT": bad})
        assert error.key == "settings.invalid" and error.params["accepts"] == "1 … 65535"
