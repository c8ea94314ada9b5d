"""P6: every step can be reached, and every case can end.

The main line runs in order; a linked order starts once the main steps of a smaller order are done, and the
case closes only when all of them have ended. A case judged false or a test goes straight to closing; once it
is closed, only archiving and the report on it are left.
"""

from __future__ import annotations

from collections.abc import Iterator

from liandong.core.mechanism.fault import Fault
from liandong.core.mechanism.proofs.ground import Ground, once
from liandong.core.values.lists import Action, Provenance
from liandong.core.values.rows import StepRow
from liandong.core.values.scales import SEVERITIES

#: The first of these ends the work on a case.
ENDERS = (Action.CLOSE, Action.ARCHIVE, Action.DISPOSAL_REPORT)
AFTER_END = (Action.ARCHIVE, Action.DISPOSAL_REPORT)
#: Something that a failed review can send back to.
WORK = (
    Action.ARRIVE, Action.CHECK, Action.HANDLE, Action.FEED_BACK, Action.TRACK, Action.SUPPORT,
    Action.SELF_CORRECT, Action.PERSUADE, Action.ENFORCE,
)  # fmt: skip


def prove(ground: Ground) -> Iterator[Fault]:
    """P6 over every flow and level that is claimed."""
    yield from once(_cells(ground))
    yield from _gradings(ground)


def _cells(ground: Ground) -> Iterator[Fault]:
    for flow, level in ground.cells:
        main = ground.main(flow, level)
        if not ground.steps(flow, level):
            yield _fault("no_steps", flow, level)
            continue
        yield from _ends(ground, flow, level)
        yield from _order(main, flow, level)
        for name, rows in ground.lines(flow, level).items():
            yield from _line(main, rows, name, flow, level)
        yield from _conditions(ground, flow, level)
        yield from _loops(ground, flow, level)


def _ends(ground: Ground, flow: str, level: str) -> Iterator[Fault]:
    """Closing and archiving have to be there, on the main line, whatever failed or did not."""
    main = {row.action: row for row in ground.main(flow, level)}
    aside = {row.action: row for rows in ground.lines(flow, level).values() for row in rows}
    for action in (Action.CLOSE, Action.ARCHIVE):
        row = main.get(action)
        if row is None and action in aside:
            yield _fault("end_in_line", flow, level, aside[action], line=aside[action].line)
        elif row is None:
            yield _fault(f"no_{action.value}", flow, level)
        elif row.after_failed:
            yield _fault("end_only_after_failure", flow, level, row, earlier=row.after_failed)


def ender(main: tuple[StepRow, ...]) -> StepRow | None:
    """The step of the main line that ends the work."""
    return next((row for row in main if row.action in ENDERS), None)


def _order(main: tuple[StepRow, ...], flow: str, level: str) -> Iterator[Fault]:
    """Nothing but the archive and the report comes after the end."""
    end = ender(main)
    later = main[main.index(end) + 1 :] if end else ()
    for row in later:
        if end and row.action not in AFTER_END:
            yield _fault("step_after_end", flow, level, row, end, ended_by=end.action.value)


def _line(
    main: tuple[StepRow, ...], rows: tuple[StepRow, ...], name: str, flow: str, level: str
) -> Iterator[Fault]:
    """A linked order that starts after closing waits for a closing that waits for it."""
    end = ender(main)
    if end and rows[0].order > end.order:
        said = {"line": name, "ended_by": end.action.value}
        yield _fault("line_waits_for_itself", flow, level, rows[0], end, **said)


def _conditions(ground: Ground, flow: str, level: str) -> Iterator[Fault]:
    """A step that waits for a failure needs the step that may fail, before it on its own line."""
    steps = ground.steps(flow, level)
    for row in (row for row in steps if row.after_failed):
        same = [s for s in steps if (s.action, s.line) == (row.after_failed, row.line)]
        if not same:
            yield _fault("failure_of_nothing", flow, level, row, earlier=row.after_failed)
        elif all((s.order, s.key) >= (row.order, row.key) for s in same):
            yield _fault("failure_comes_later", flow, level, row, same[0], earlier=row.after_failed)
        elif row.after_failed in (Action.CLOSE, Action.ARCHIVE, Action.JUDGE, Action.REVIEW):
            # A false verdict goes to closing and a failed review back to handling: neither comes here.
            yield _fault("failure_leads_elsewhere", flow, level, row, same[0], earlier=row.after_failed)


def _loops(ground: Ground, flow: str, level: str) -> Iterator[Fault]:
    """What goes back must have something to go back to, and may not go on for ever."""
    main = ground.main(flow, level)
    actions = [row.action for row in main]
    review = next((row for row in main if row.action == Action.REVIEW), None)
    everything = {row.action for row in ground.steps(flow, level)}
    if review and not everything.intersection(WORK):
        yield _fault("review_of_nothing", flow, level, review)
    for row in ground.transfers(flow, level):
        if row.provenance == Provenance.UNSET:
            continue
        if row.action == Action.RETURN and Action.PUSH not in actions:
            yield Fault(
                proof="P6", kind="return_to_sender", rows=(row.key,), witness={"flow": flow, "level": level}
            )
        free = row.action in (Action.EXTEND, Action.DEFER) and row.role in ("holder", "lead")
        if free and row.at_most is None and not row.approver:
            yield Fault(
                proof="P6", kind="endless", rows=(row.key,),
                witness={"flow": flow, "level": level, "action": row.action.value},
            )  # fmt: skip


def _gradings(ground: Ground) -> Iterator[Fault]:
    """A finding whose severity gives no level opens no case, so that none of its steps is reached."""
    if not ground.mechanism.grading:
        return
    claimed = set(ground.cells)
    for flow in dict.fromkeys(flow for flow, _ in ground.cells):
        for severity in SEVERITIES:
            found = ground.routing.grade(flow, severity)
            if found is None:
                yield Fault(
                    proof="P6", kind="severity_ungraded", witness={"flow": flow, "severity": severity}
                )
            elif ground.mechanism.scope and (flow, found.level) not in claimed:
                yield Fault(
                    proof="P6", kind="graded_outside", rows=(found.key,),
                    witness={"flow": flow, "severity": severity, "level": found.level},
                )  # fmt: skip


def _fault(kind: str, flow: str, level: str, *rows: StepRow, **witness: str) -> Fault:
    said = {"action": rows[0].action.value} if rows else {}
    return Fault(
        proof="P6", kind=kind, rows=tuple(row.key for row in rows),
        witness={"flow": flow, "level": level, **said, **witness},
    )  # fmt: skip
