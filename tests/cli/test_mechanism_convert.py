"""`liandong mechanism convert`: any form into any other; a bad file is exit 2 with words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from liandong.adapters.mechanisms import read_document
from liandong.cli import main
from liandong.core.values.canonical import sha256
from liandong.mechanisms import raw


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["liandong", "mechanism", "convert", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_a_document_goes_through_every_form(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book, folder, back = (str(tmp_path / name) for name in ("a.xlsx", "tables", "b.yaml"))
    for source, to in (("lift-rescue", book), (book, folder), (folder, back)):
        assert run(monkeypatch, source, to) == 0
        assert capsys.readouterr().out.strip() == sha256(raw("lift-rescue"))
    assert Path(back).read_bytes() == raw("lift-rescue")
    assert read_document(Path(book)).mechanism.key == "lift-rescue"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("key: a\nsteps: [", "不是合法的 YAML"),
        ("key: a\nsteps:\n  - {key: x, flow: gas, order: 1, action: judge}", "a.yaml 第 3 行"),
        ("", "文件应由"),
        ("- a", "文件应由"),
    ],
)
def test_a_bad_file_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    (tmp_path / "a.yaml").write_text(words, encoding="utf-8")
    assert run(monkeypatch, str(tmp_path / "a.yaml"), str(tmp_path / "b.xlsx")) == 2
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err and not (tmp_path / "b.xlsx").exists()
