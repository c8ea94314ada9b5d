"""Reports as files that somebody opens: the words are there, the glyphs too, and nothing becomes markup."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream
from typer.testing import CliRunner

from liandong.adapters.documents.docx import docx_bytes
from liandong.adapters.documents.model import Document, Section, Table
from liandong.adapters.documents.pdf import pdf_bytes
from liandong.adapters.documents.write import write_document
from liandong.cli import app
from liandong.core.values.errors import BadInput

NASTY = '#panic("x") $x$ *bold* _u_ @ref <tag> `code` \\ [ ] // /* ＃“”％＄&lt; "\'{}'
#: Words of place names and of the trade that small fonts lack.
RARE = "乐平镇芦苞石湾镇荷城更合涌堌垌氹鱲圳滘涧隧闸砼甲烷℃㎡‰≥±σⅠ级①"


def page_words(data: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).replace("\n", "")


def missing_glyphs(data: bytes) -> int:
    """How often the font's empty box (glyph 0) is drawn."""
    found = 0
    reader = PdfReader(io.BytesIO(data))
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            kids = font.get_object()["/DescendantFonts"][0].get_object()
            assert "NotoSansSC" in kids["/BaseFont"], "another font crept in"
        for operands, operator in ContentStream(page.get_contents(), reader).operations:
            if operator not in (b"Tj", b"TJ"):
                continue
            shown = operands[0] if operator == b"TJ" else operands
            for piece in shown:
                if isinstance(piece, (str, bytes)):
                    codes = piece.original_bytes if isinstance(piece, str) else bytes(piece)
                    found += sum(codes[n : n + 2] == b"\0\0" for n in range(0, len(codes), 2))
    return found


def document(*rows: tuple[str, ...], note: str = "") -> Document:
    return Document(
        language="zh",
        title="警情处置报告",
        subtitle=NASTY,
        facts=(("名称", RARE), ("空", "–")),
        sections=(
            Section("一、时限", ("一行",), Table(("时间", "动作"), rows), note=note),
            Section("二、空表", table=Table(("甲", "乙"), ())),
        ),
        footer="页脚 2026",
    )


def test_the_pdf_says_every_word_as_it_is_and_lacks_no_glyph():
    data = pdf_bytes(document(("2026-05-01 08:00:00", NASTY), (RARE, "到场"), note="小字"))
    words = page_words(data).replace(" ", "")
    for wanted in (NASTY, RARE, "警情处置报告", "小字", "页脚2026", "二、空表"):
        assert wanted.replace(" ", "") in words, wanted
    assert missing_glyphs(data) == 0


def test_a_missing_glyph_would_be_seen():
    assert missing_glyphs(pdf_bytes(document(("བོད", "x")))) > 0


def test_a_long_table_goes_over_pages_and_repeats_its_head():
    data = pdf_bytes(document(*((f"2026-05-01 {n % 24:02d}:00:00", f"第{n}行") for n in range(200))))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
    assert len(pages) > 3 and all("动作" in page for page in pages[:-1])
    assert "第199行" in "".join(pages).replace(" ", "")


def test_the_docx_opens_with_headings_tables_and_the_same_words():
    made = docx.Document(io.BytesIO(docx_bytes(document(("一", NASTY), ("二", RARE)))))
    assert [p.text for p in made.paragraphs if p.style.name == "Heading 1"] == ["一、时限", "二、空表"]
    cells = [cell.text for table in made.tables for row in table.rows for cell in row.cells]
    assert NASTY in cells and RARE in cells and "动作" in cells
    assert made.sections[0].footer.paragraphs[0].text == "页脚 2026"
    with zipfile.ZipFile(io.BytesIO(docx_bytes(document()))) as packed:
        assert packed.testzip() is None


def test_a_ragged_table_is_refused_where_it_is_made():
    with pytest.raises(ValueError, match="1 cells under a head of 2"):
        Table(("甲", "乙"), (("一",),))


def test_another_ending_is_refused(tmp_path: Path):
    with pytest.raises(BadInput) as error:
        write_document(document(), tmp_path / "report.odt")
    assert error.value.key == "document.unknown_form"


def test_the_command_refuses_a_folder_that_is_not_there(tmp_path: Path):
    done = CliRunner().invoke(
        app, ["report", "case", "case_x", "--data", str(tmp_path), "--to", str(tmp_path / "r.pdf")]
    )
    assert isinstance(done.exception, BadInput) and not (tmp_path / "r.pdf").exists()
