"""工单互通·接口: orders pushed to a receiver's system by HTTP, its events taken by HTTP."""

from liandong.adapters.bridge_api.router import make_router

__all__ = ["make_router"]
