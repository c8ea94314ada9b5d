"""Places where roots are left, which the operator of the platform does not control."""

from liandong.adapters.anchor.file import FileAnchors
from liandong.adapters.anchor.http import HttpAnchors

__all__ = ["FileAnchors", "HttpAnchors"]
