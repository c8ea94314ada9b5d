"""`liandong verify`: what the journal proves, what is wrong with it, and what it cannot prove."""

from liandong.app.verify.entries import Evidence
from liandong.app.verify.report import Finding, Remedy, Report, Say, Sentence
from liandong.app.verify.whole import verify

__all__ = ["Evidence", "Finding", "Remedy", "Report", "Say", "Sentence", "verify"]
