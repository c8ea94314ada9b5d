"""A city as tables, CSV or Excel: read with every error named, checked, and written without loss."""

from liandong.adapters.tables.city import check_city, read_city, write_city
from liandong.adapters.tables.errors import CityErrors
from liandong.adapters.tables.export import write_workbook
from liandong.adapters.tables.findings import Examined, examine, quantities_of
from liandong.core.values.dataset import CityFolder, PersonRecord

__all__ = [
    "CityErrors",
    "CityFolder",
    "Examined",
    "PersonRecord",
    "check_city",
    "examine",
    "quantities_of",
    "read_city",
    "write_city",
    "write_workbook",
]
