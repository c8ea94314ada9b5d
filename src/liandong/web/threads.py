"""Between the event loop and what blocks: threads for questions, futures for what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")
#: Questions at once. Acts and sign-ins use the larger pool beside it, so that long lists never hold them up.
MOST_QUESTIONS = 8
_questions: RunVar[CapacityLimiter] = RunVar("questions")


async def ask(question: Callable[[], T]) -> T:
    """Run a question that reads the store in one of a few threads."""
    try:
        limiter = _questions.get()
    except LookupError:
        limiter = CapacityLimiter(MOST_QUESTIONS)
        _questions.set(limiter)
    return await to_thread.run_sync(question, limiter=limiter)


async def run(call: Callable[[], T]) -> T:
    """Run something short that blocks, such as a sign-in or handing over an act."""
    return await to_thread.run_sync(call)


async def settled(future: Future[T]) -> T:
    """Wait for what was accepted. Shielded: a caller who leaves must not cancel it."""
    return await asyncio.shield(asyncio.wrap_future(future))
