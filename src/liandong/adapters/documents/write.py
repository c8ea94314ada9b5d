"""Writes a document where its file's ending says: .docx for those who edit, PDF for those who keep."""

from __future__ import annotations

from pathlib import Path

from liandong.adapters.documents.model import Document
from liandong.core.values.errors import BadInput

FORMS = ("docx", "pdf")


def write_document(document: Document, path: Path) -> None:
    """Raises BadInput for any other ending."""
    form = path.suffix.lower().lstrip(".")
    if form not in FORMS:
        raise BadInput("document.unknown_form", path=path.name, known=", ".join(f".{f}" for f in FORMS))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document_bytes(document, form))


def document_bytes(document: Document, form: str) -> bytes:
    """The bytes of a document in one of `FORMS`; what makes them is imported only when asked for."""
    if form == "docx":
        from liandong.adapters.documents.docx import docx_bytes

        return docx_bytes(document)
    from liandong.adapters.documents.pdf import pdf_bytes

    return pdf_bytes(document)
