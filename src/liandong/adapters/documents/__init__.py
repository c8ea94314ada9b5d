"""Reports as documents: what a case came to, and how a period went, as .docx or PDF."""

from liandong.adapters.documents.case import case_document
from liandong.adapters.documents.model import Document
from liandong.adapters.documents.period import period_document
from liandong.adapters.documents.write import write_document

__all__ = ["Document", "case_document", "period_document", "write_document"]
