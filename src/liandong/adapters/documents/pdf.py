"""A document as PDF through typst, with a font that is installed with us: no system font, no root.

What the document says is handed over as data and never becomes markup, so that no word of a city's
table can change the page.
"""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path

import typst

from liandong.adapters.documents.model import Document

#: Noto Sans SC, SIL Open Font License 1.1, from the package of this name.
FONT_PACKAGE, FONT_FILE = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"


def pdf_bytes(document: Document) -> bytes:
    """The file's bytes."""
    data = {
        "language": document.language, "title": document.title, "subtitle": document.subtitle,
        "facts": document.facts, "footer": document.footer,
        "sections": [
            {
                "title": section.title, "lines": section.lines, "note": section.note,
                "head": section.table.head if section.table else (),
                "rows": section.table.rows if section.table else (),
            }
            for section in document.sections
        ],
    }  # fmt: skip
    template = files("liandong.adapters.documents") / "page.typ"
    with as_file(files(FONT_PACKAGE)) as fonts, as_file(template) as page:
        return typst.compile(
            Path(page), None, format="pdf", font_paths=[Path(fonts)], ignore_system_fonts=True,
            sys_inputs={"document": json.dumps(data, ensure_ascii=False)},
        )  # fmt: skip
