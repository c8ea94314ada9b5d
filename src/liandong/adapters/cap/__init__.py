"""CAP 1.2 (OASIS, Common Alerting Protocol): warnings of others in, our own out, through cap-tools."""

from liandong.adapters.cap.router import make_router

__all__ = ["make_router"]
