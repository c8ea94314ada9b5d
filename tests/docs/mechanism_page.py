"""The generated part of docs/reference/mechanism.md: every table and column from the types, every proof."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from liandong.adapters.tables.axes import HOURS, PRECEDENCE
from liandong.adapters.tables.layout import MECHANISM, TABLES, Column, Table
from liandong.adapters.tables.references import ROLES
from liandong.core.mechanism.proofs.catalogue import PROOFS
from liandong.core.values import document
from liandong.texts import sentences

VALUES = Path(document.__file__).parent
#: Where the type's own comment says nothing more than the name.
_MEANINGS = {
    "key": "name of the row, unique in its table; it never changes and is never used again",
    "provenance": "whose the row is",
    "place": "where in the document the row stands, or why it is so",
    "title_zh": "name in Chinese",
    "title_en": "name in English",
    "flow": "a hazard, a flow, a wider flow, or `*`",
    "severity": "severity of a finding",
    "hazards": "codes of the hazards that take the flow",
    "part": "how the role takes part; exactly one leads, one verifies",
    "order": "steps run in this order; equal numbers in the order of their keys",
    "action": "what is done",
    "role": "who",
    "kind": "which",
    "origin": "from when the clock runs",
    "reason": "why the clock stands still",
    "actions": "whose clocks stop",
    "longest_s": "it lasts at most so long",
    "count": "from so many on",
    "within_s": "within this time",
    "department": "department within the unit",
    "post": "post that answers, `post:…`",
    "recipient": "to whom",
    "channel": "delivery channel; empty: all that the policy names",
    "drafter": "who drafts",
    "approver": "who agrees",
    "publisher": "who publishes",
    "raiser": "who raises; empty: as for the first issue",
    "lowerer": "who lowers; empty: as for the first issue",
    "lifter": "who lifts",
    "channels": "over which channels",
    "resource": "name of the kind of resource",
    "requester": "who asks",
    "releaser": "who releases",
    "requisitioner": "who may requisition",
    "payer": "who pays",
    "axes": "the sentence, highest axis first",
    "signed_by": "who signed it",
    "row": "key of the row that wins",
    "over": "key of the row that gives way",
    "scale": "which scale `code` is of",
    "area_kind": "on which level of the tree they are counted",
    "text": "its words",
    "fraction": "at this share of the limit; 1 = when it is due",
    "after_s": "so long after the clause's origin",
    "signer": "role of the unit whose leader on duty signs",
    "line": "name of the linked order; empty: the main line",
    "owner": "role that owns the stock",
    "decides": "role that decides",
    "limit_s": "within what time",
    "evidence": "the step needs evidence",
    "colour": "which colours",
    "onward": "who has to be told",
    "matter": "what the contact is for",
    "deputy": "post that answers when nobody is at the first",
    "within": "key of the wider flow",
    "version": "counted by the platform",
    "supersedes": "key of the document it replaces",
}
_SHARED = ("key", "provenance", "place", "mark")
_OF_TABLE = {
    ("mechanism", "key"): "name of the document; others include, supplement and supersede it by it",
    ("mechanism", "number"): "number of the document 文号",
    ("grading", "level"): "level of the case",
    ("escalations", "role"): "whom it reaches",
    ("escalations", "action"): "whose limit it is about",
    ("resources", "level"): "levels of a case",
    ("steps", "limit_s"): "how long it may take from its origin on",
    ("steps", "role"): "who acts",
    ("decisions", "code"): "which colour, or which level",
    ("measures", "code"): "which colour, or which response level",
}
_SENTENCES = {
    "mechanism": "The head. In YAML its columns stand at the top of the file, outside any table.",
    "marks": "Clauses of a document that is given with marks; some row has to carry the same `mark` (P16).",
}
_ROLES = (*ROLES["steps", "role"],)
#: What a comment in the code says to a programmer → what it says to whoever fills a table.
_PLAIN = {
    "None = ": "empty: ",
    "False = ": "no: ",
    "empty = ": "empty: ",
    "any role of RoleRow": "any role",
    "a role of RoleRow": "any role",
    "as in RoleRow": "any role",
}
_CODES = {
    "decisions": "`warning_colour`: white blue yellow orange red; `case_level`: IV III II I; or `*`",
    "measures": "`warning_colour`: white blue yellow orange red; `response_level`: IV III II I; or `*`",
}


def reference() -> str:
    """Tables and columns, then proofs."""
    return "\n".join([*_tables(), *_proofs()])


def _tables() -> Iterator[str]:
    comments, sentences_ = _said()
    yield "### Columns that every row has\n"
    yield from _columns("flows", [TABLES["flows"].columns[name] for name in _SHARED], comments)
    for name in MECHANISM:
        table = TABLES[name]
        noun = table.noun.__name__
        yield f"### {name} {table.zh}\n"
        yield _SENTENCES.get(name) or sentences_[noun]
        yield ""
        own = [c for c in table.columns.values() if table.single or c.name not in _SHARED]
        yield from _columns(name, own, comments)


def _columns(name: str, columns: list[Column], comments: dict[tuple[str, str], str]) -> Iterator[str]:
    yield "| column | 中文 | write | empty means | meaning |\n|---|---|---|---|---|"
    for column in columns:
        said = (comments.get((cls, column.name)) for cls in _classes(TABLES[name]))
        own = _OF_TABLE.get((name, column.name))
        meaning = own or next((words for words in said if words), _MEANINGS.get(column.name, ""))
        for code, words in _PLAIN.items():
            meaning = meaning.replace(code, words)
        shown = f"**`{column.name}`**" if column.required else f"`{column.name}`"
        cells = (shown, column.zh, _write(name, column), _empty(column), meaning)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _classes(table: Table) -> list[str]:
    return [cls.__name__ for cls in table.noun.__mro__]


def _write(table: str, column: Column) -> str:
    """What stands in a cell."""
    if column.name == "code" and table in _CODES:
        return _CODES[table]
    if column.duration:
        return "time" + (" or `unset`" if column.default is None and not column.required else "")
    if column.codec is HOURS:
        return "`22:00-06:00`, several"
    if column.codec is PRECEDENCE:
        return " > ".join(f"`{word}`" for word in column.codec.allowed.split(" > "))
    if (table, column.name) in ROLES and column.codec.allowed == "":
        extra = [word for word in ROLES[table, column.name] if word not in _ROLES]
        shown = "role" + (", or " + " ".join(f"`{word}`" for word in extra) if extra else "")
        return f"{shown}; several" if column.many else shown
    if column.codec.allowed:
        words = " ".join(f"`{word}`" for word in column.codec.allowed.split(", "))
        return f"{words}; several" if column.many else words
    if column.many:
        return "words; several" if column.default != "*" else "words, several, or `*`"
    return {"number": "number", "date": "date"}.get(
        column.kind, "yes or no" if isinstance(column.default, bool) else "text"
    )


def _empty(column: Column) -> str:
    if column.required:
        return "–"
    if column.default is None or column.default in ("", ()):
        return "未规定" if column.name in ("role", "limit_s", "decider") else "none"
    if isinstance(column.default, bool):
        return "yes" if column.default else "no"
    if isinstance(column.default, tuple):
        return " ".join(f"`{word}`" for word in column.default)
    return f"`{column.default}`"


def _said() -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """What the code says: (class, field) → its comment, class → the first paragraph of its docstring."""
    comments, sentences_ = {}, {}
    for name in ("rows", "authority_rows", "document"):
        source = (VALUES / f"{name}.py").read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if not isinstance(node, ast.ClassDef):
                continue
            said = re.sub(r"\s+", " ", (ast.get_docstring(node) or "").strip())
            sentences_[node.name] = said
            for field in (f for f in node.body if isinstance(f, ast.AnnAssign)):
                found = re.search(r"#: (.+)$", lines[field.lineno - 1])
                if found and isinstance(field.target, ast.Name):
                    comments[node.name, field.target.id] = found[1].replace("|", "/")
    return comments, sentences_


# Proofs


#: Proof → kinds of fault it finds; a test holds it against the words that there are.
KINDS_OF = {
    "P1": "no_lead scope_misses",
    "P2": "two_leads two_verifiers two_rows override_circle",
    "P3": "override_apart override_outside override_unknown overruled",
    "P4": "role_unresolved role_unfilled no_centre",
    "P5": "no_channels channel_missing duty_nobody duty_no_post duty_no_channel duty_leave duty_gone",
    "P6": "no_steps no_close no_archive end_in_line end_only_after_failure step_after_end "
    "line_waits_for_itself failure_of_nothing failure_comes_later failure_leads_elsewhere review_of_nothing "
    "return_to_sender endless severity_ungraded graded_outside",
    "P7": "limits_collide limit_below_needs origin_never origin_after_step moment_unclear "
    "fraction_of_nothing protects_too_late ladder_reversed report_order report_after_end report_without_step",
    "P8": "limit_below_travel limit_below_gap",
    "P9": "no_escalation none_and_some",
    "P10": "peer_commands escalates_down",
    "P11": "escalation_to_actor escalation_to_nobody stays_with_actor escalation_circle no_superior",
    "P12": "verifier_is_handler verifier_may_be_handler verifier_same_unit verifier_is_superior "
    "drafter_is_approver drafter_approves transfer_self_approved duty_self_decided pause_self_approved "
    "request_self_approved request_self_decided requester_approves contractor_decides "
    "contractor_without_principal",
    "P13": "colour_without_row no_drafter no_approver no_lifter no_deputy no_decision no_decider "
    "decision_unlimited nobody_otherwise otherwise_the_same",
    "P14": "dead_row dead_flow empty_axis unknown_word",
    "P15": "cannot_see actor_cannot_see",
    "P16": "mark_without_row unknown_mark",
    "P17": "resource_no_requester resource_no_releaser resource_no_decides level_without_releaser "
    "two_releasers too_many_approvals approves_twice",
}


def known_kinds() -> set[str]:
    """Every kind of fault that has words."""
    return {key.split(".")[1] for key in sentences("en") if re.fullmatch(r"proof\.\w+\.remedy", key)}


def _proofs() -> Iterator[str]:
    zh, en = sentences("zh"), sentences("en")
    document_ = {proof.id: proof.document for proof in reversed(PROOFS)}
    yield "### Proofs 证明\n"
    known = known_kinds()
    for number in range(1, 18):
        proof = f"P{number}"
        what = "of the document" if document_.get(proof, True) else "standing"
        yield f"**{proof}** {zh[f'proof.title.{proof}']} · {en[f'proof.title.{proof}']} ({what})\n"
        yield "| fault | what is said | remedy |\n|---|---|---|"
        for kind in (kind for kind in KINDS_OF[proof].split() if kind in known):
            yield f"| `{kind}` | {en[f'proof.{kind}']} | {en[f'proof.{kind}.remedy']} |"
        yield ""
