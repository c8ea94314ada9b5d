"""Response mechanisms as files: YAML for versions, Excel for signatures, CSV folders for cities."""

from liandong.adapters.mechanisms.converting import convert_file, write_file
from liandong.adapters.mechanisms.errors import MechanismErrors
from liandong.adapters.mechanisms.reading import Document, read_document, read_text
from liandong.adapters.mechanisms.several import Together, read_documents, read_together
from liandong.adapters.mechanisms.signing import write_signing
from liandong.adapters.mechanisms.writing import write_text

__all__ = [
    "Document",
    "MechanismErrors",
    "Together",
    "convert_file",
    "read_document",
    "read_documents",
    "read_text",
    "read_together",
    "write_file",
    "write_signing",
    "write_text",
]
