"""A document as .docx, to be edited in any office: real headings, real tables, a head row that repeats."""

from __future__ import annotations

import io
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from liandong.adapters.documents.model import Document, Table

#: Offices replace a font that they do not have; both names are common on Chinese desktops.
_LATIN, _CHINESE = "Arial", "宋体"


def docx_bytes(document: Document) -> bytes:
    """The file's bytes."""
    made = docx.Document()
    style = made.styles["Normal"]
    style.font.name, style.font.size = _LATIN, Pt(10.5)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _CHINESE)
    made.core_properties.title, made.core_properties.author = document.title, "liandong"
    made.core_properties.language = "zh-CN" if document.language == "zh" else "en"
    made.add_heading(document.title, 0).alignment = WD_ALIGN_PARAGRAPH.CENTER
    made.add_paragraph(document.subtitle).alignment = WD_ALIGN_PARAGRAPH.CENTER
    facts = made.add_table(rows=0, cols=2, style="Table Grid")
    for name, words in document.facts:
        cells = facts.add_row().cells
        cells[0].paragraphs[0].add_run(name).bold = True
        cells[1].text = words
    for section in document.sections:
        made.add_heading(section.title, 1)
        for line in section.lines:
            made.add_paragraph(line)
        if section.table is not None:
            _table(made, section.table)
        if section.note:
            run = made.add_paragraph().add_run(section.note)
            run.italic, run.font.size, run.font.color.rgb = True, Pt(8.5), RGBColor(0x55, 0x55, 0x55)
    for heading in made.element.body.iter(qn("w:rFonts")):
        heading.set(qn("w:eastAsia"), _CHINESE)
    made.sections[0].footer.paragraphs[0].text = document.footer
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _table(made: Any, table: Table) -> None:
    grid = made.add_table(rows=1, cols=len(table.head), style="Table Grid")
    for cell, words in zip(grid.rows[0].cells, table.head, strict=True):
        cell.paragraphs[0].add_run(words).bold = True
    repeat = OxmlElement("w:tblHeader")
    grid.rows[0]._tr.get_or_add_trPr().append(repeat)
    for row in table.rows:
        for cell, words in zip(grid.add_row().cells, row, strict=True):
            cell.text = words
    if not table.rows:
        grid.add_row().cells[0].text = "–"
