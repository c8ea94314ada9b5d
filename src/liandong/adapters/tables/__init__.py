"""A city as a folder of CSV tables: read with every error named, written without loss."""

from liandong.adapters.tables.city import check_city, read_city, write_city
from liandong.adapters.tables.errors import CityErrors
from liandong.core.values.dataset import CityFolder, PersonRecord

__all__ = ["CityErrors", "CityFolder", "PersonRecord", "check_city", "read_city", "write_city"]
