"""The page of a case: names, provenance, told, offers, card, timeline, evidence, reports, orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from liandong.core.values.journal import read_entry
from liandong.core.values.times import MINUTE, format_time
from tests.web.test_queue import EAST, GAS, ROW, WEST
from tests.web.town import CENTRE, OPERATOR, Client, Town, is_problem


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"), reports=(ROW,))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(town: Town) -> Client:
    return Client(town)


@pytest.fixture(scope="module")
def case(town: Town) -> str:
    return town.open_case()


def page(client: Client, town: Town, case: str, query: str = "", post: str = CENTRE) -> dict[str, Any]:
    answer = client.get(f"cases/{case}?{query}", town.token(post=post))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    "path",
    ["", "/timeline", "/report", "/members", "/findings/fnd_x/evidence"],
)
def test_outside_the_scope_there_is_no_case(town: Town, client: Client, case: str, path: str) -> None:
    token = town.token(post=WEST)
    person = client.get("me", token).json()["person"]
    is_problem(client.get(f"cases/{case}{path}", token), 404, "case.unknown")
    assert town.notes(person)[-1] == "access.outside_scope"


def test_a_report_from_outside_the_scope_is_not_taken(town: Town, client: Client, case: str) -> None:
    headers = {"Idempotency-Key": "x", "If-Match": '"1"'}
    answer = client.post(f"cases/{case}/report", town.token(post=WEST), headers=headers, json={"text": "x"})
    is_problem(answer, 404, "case.unknown")
    inside = client.post(f"cases/{case}/report", town.token(post=EAST), json={"text": "x"})
    is_problem(inside, 422, "act.no_version")


def test_curves_are_for_who_may_see_cases_there(town: Town, client: Client, case: str) -> None:
    channel = town.channels()[0].key
    for post in (WEST, OPERATOR):
        token = town.token(post=post)
        person = client.get("me", token).json()["person"]
        is_problem(client.get(f"channels/{channel}/readings", token), 404, "channel.unknown")
        assert town.notes(person)[-1] == "access.outside_scope"
    is_problem(
        client.get("channels/channel:nothing/readings", town.token(post=CENTRE)), 404, "channel.unknown"
    )
    for post in (CENTRE, EAST, GAS):  # by right, by area, and as its owner
        found = client.get(f"channels/{channel}/readings", town.token(post=post)).json()
        assert [value for _, value, _ in found["points"]] == [60.0] * 4, post
    assert found["vol_per_unit"] == 0.05 and found["silent"] is False and not found["truncated"]
    assert {limit["raise_at"] for limit in found["limits"]} == {10.0, 25.0, 50.0}
    short = client.get(f"channels/{channel}/readings?limit=2", town.token(post=CENTRE)).json()
    assert len(short["points"]) == 2 and short["truncated"] and short["points"][-1] == found["points"][-1]
    until = format_time(town.now - 4 * MINUTE)
    early = client.get(f"channels/{channel}/readings?to={until}", town.token(post=CENTRE)).json()
    assert 0 < len(early["points"]) < 4
    backwards = f"channels/{channel}/readings?from={format_time(town.now)}&to={until}"
    is_problem(client.get(backwards, town.token(post=CENTRE)), 422, "http.bad_parameter")


def test_the_page_needs_no_second_request(town: Town, client: Client, case: str) -> None:
    shown = page(client, town, case)
    keys = {order["unit"] for order in shown["orders"]} | {order["post"] for order in shown["orders"]}
    keys |= {finding["channel"] for finding in shown["findings"]} | {shown["asset"], *shown["rules"]}
    assert keys <= shown["names"].keys() and all(shown["names"][key]["zh"] != key for key in keys)
    assert all(clock["origin_assumed"] and clock["provenance"] for clock in shown["clocks"])
    assert {step["provenance"] for order in shown["orders"] for step in order["steps"]} <= {
        "source", "assumed", "unset"
    }  # fmt: skip
    unset = [s for order in shown["orders"] for s in order["steps"] if s["limit_s"] is None]
    assert all(step["provenance"] == "unset" for step in unset) and unset
    assert shown["findings"][0]["unit"] == "%LEL" and shown["findings"][0]["limit"] == 50.0
    told = shown["told"][0]
    assert told["delivered"] and told["attempts"][0]["outcome"] == "delivered" and told["answered"] is None
    assert "燃气泄漏" in told["text"] and told["person_name"] is None and not shown["persons"]


def test_the_card_says_what_is_unset_and_whom_to_wake(town: Town, client: Client, case: str) -> None:
    card = page(client, town, case)["card"]
    assert [line["kind"] for line in card["lines"]] == ["say", "ask", "do", "distance", "never"]
    assert all(
        line["text"]["zh"] and "⟦" not in line["text"]["zh"] + line["text"]["en"] for line in card["lines"]
    )
    watch = next(one for one in card["watches"] if one["unit"] == "unit:centre")
    assert (
        watch["leader"]["title"]["zh"] == "带班领导" and watch["main"]["person"] and watch["second"]["person"]
    )
    assert "escalate.judge.urge" in {row["row"] for row in watch["wake_leader_for"]}
    assert watch["main"]["tel"] is None and watch["main"]["person_name"] is None
    named = page(client, town, case, "persons=true")
    record = {person.key: person for person in town.folder.persons}
    main = next(one for one in named["card"]["watches"] if one["unit"] == "unit:centre")["main"]
    assert main["person_name"] == record[main["person"]].name
    assert main["tel"] == f"tel:{record[main['person']].phone}"
    blind = page(client, town, case, "persons=true", post=EAST)
    assert not blind["persons"] and "tel:" not in str(blind)


def test_offers_are_exactly_what_is_taken(town: Town, client: Client, case: str) -> None:
    shown = page(client, town, case)
    offers = {offer["action"]: {f["name"]: f for f in offer["fields"]} for offer in shown["offers"]}
    assert offers.keys() == {"judge", "hand_over", "note", "call", "report"}
    assert offers["judge"]["verdict"]["required"] and not offers["judge"]["level"]["required"]
    assert {o["value"] for o in offers["judge"]["verdict"]["options"]} == {"real", "false", "test", "look"}
    assert offers["hand_over"]["to"]["options"], "somebody else holds the post"
    assert page(client, town, case, post=EAST)["offers"] == []
    token = town.token(post=CENTRE)
    refused = client.act(case, "close", token, key="o1", cause="real")
    assert refused.status_code == 409 and "close" not in offers


def test_a_call_is_logged_and_the_number_is_nowhere_in_clear(town: Town, client: Client, case: str) -> None:
    token = town.token(post=CENTRE)
    number = "0757-00001234"
    done = client.act(case, "call", token, key="c1", number=number, answered=True, text="十分钟到场")
    assert done.status_code == 200, done.text
    assert page(client, town, case)["calls"] == 1
    lines = client.get(f"cases/{case}/timeline", token).json()["items"]
    [call] = [line for line in lines if line["event"] == "CallLogged"]
    assert call["words"] == "十分钟到场" and call["type"] == "call" and "已接听" in call["text"]["zh"]
    for row in town.platform.store.entries(0, 100_000):
        assert number.encode() not in row.body and "十分钟到场".encode() not in row.body
    stranger = client.act(case, "call", town.token(post=EAST), key="c2", number="1", answered=False)
    is_problem(stranger, 403, "act.not_yours")


def test_the_timeline_is_the_journal_in_words(town: Town, client: Client, case: str) -> None:
    token = town.token(post=EAST)
    lines, after = [], "0"
    while after:
        answer = client.get(f"cases/{case}/timeline?limit=3&after={after}", token).json()
        lines += answer["items"]
        after = answer["next"]
    assert [line["sequence"] for line in lines] == sorted(line["sequence"] for line in lines)
    rows = {row.sequence: row for row in town.platform.store.entries_of(f"case:{case}")}
    assert all(rows[line["sequence"]].hash == line["hash"] for line in lines)
    assert {"case", "told", "clock", "delivery", "refused"} <= {line["type"] for line in lines}
    assert not any("⟦" in line["text"]["zh"] + line["text"]["en"] for line in lines)
    known = {event.type for row in rows.values() for event in read_entry(row.body).events} - {"TimerSpent"}
    assert known <= {line["event"] for line in lines}, "no kind of event is silent"


def test_evidence_is_what_the_journal_names(town: Town, client: Client, case: str) -> None:
    token = town.token(post=EAST)
    finding = next(f for f in page(client, town, case)["findings"] if f["rule"] == "gas_ch4_high")
    path = f"cases/{case}/findings/{finding['id']}/evidence"
    shown = client.get(path, token).json()
    assert shown["verifies"] is True and shown["missing"] == "" and shown["digest"] == finding["evidence"]
    own = shown["series"][0]
    assert own["own"] and own["vol_per_unit"] == 0.05 and [p[1] for p in own["points"]][:2] == [60.0, 60.0]
    assert shown["limits"]["raise_at"] == 50.0 and shown["trust"] in ("V", "K", "U") and shown["basis"]
    assert shown["state"]["phase"] == "raised" and shown["sensor"]["key"] == "sensor:gas-001"
    assert shown["neighbours"] and shown["asset"]["owner"] == "unit:gas" and shown["raw"] == []
    raw = client.get(f"{path}?raw=hex", token).json()["raw"]
    segment, row = raw[0]["position"]
    kept = town.platform.intake.log.get((segment, row)).raw
    assert bytes.fromhex(raw[0]["hex"]) == kept and raw[0]["size"] == len(kept)
    assert "60.0" in client.get(f"{path}?raw=text", token).json()["raw"][0]["text"]
    is_problem(client.get(f"cases/{case}/findings/fnd_nothing/evidence", token), 404, "finding.unknown")


def test_altered_evidence_says_so(town: Town, client: Client, case: str) -> None:
    token = town.token(post=CENTRE)
    finding = next(f for f in page(client, town, case)["findings"] if f["rule"] == "gas_ch4_medium")
    name = finding["id"].encode()
    [path] = [p for p in (town.data / "evidence").rglob("*") if p.is_file() and name in p.read_bytes()]
    before = path.read_bytes()
    path.write_bytes(before.replace(name, name[::-1]))
    shown = client.get(f"cases/{case}/findings/{finding['id']}/evidence", token).json()
    path.write_bytes(before)
    assert (shown["verifies"], shown["missing"]) == (False, "evidence.damaged")
    assert client.get(f"cases/{case}/findings/{finding['id']}/evidence", token).json()["verifies"] is True


def test_the_alarms_behind_a_case(town: Town, client: Client, case: str) -> None:
    [member] = client.get(f"cases/{case}/members", town.token(post=CENTRE)).json()["items"]
    assert (member["asset"], member["active"]) == ("asset:gas-001", True) and member["findings"]


def test_orders_of_a_unit_for_its_clerk(town: Town, client: Client, case: str) -> None:
    token = town.token(post=CENTRE)
    [order] = client.get("orders?person=any&unit=mine", token).json()["items"]
    assert (
        order["asset_name"]["zh"].startswith("燃气") and order["post_title"]["zh"] and order["level"] == "II"
    )
    assert order["origin"] == "finding" and order["origin_assumed"] is True and order["person_name"] is None
    assert order["version"] == town.version(case) and order["areas"][0]["key"] == "area:demo"
    named = client.get("orders?person=any&unit=unit:centre&persons=true", token).json()["items"][0]
    assert named["person_name"]
    assert client.get("orders?person=any&unit=unit:gas", token).json()["items"] == []
    assert client.get("orders?person=any&unit=unit:centre", town.token(post=WEST)).json()["items"] == []


def test_an_upward_report_from_draft_to_correction(town: Town, client: Client, case: str) -> None:
    token = town.token(post=CENTRE)
    before = client.get(f"cases/{case}/report", token).json()
    assert before["state"] is None and "尚未研判。" in before["draft"]["unknown"]
    assert any("伤亡" in line for line in before["draft"]["unknown"]), "what nobody recorded is said"
    assert client.act(case, "judge", token, key="j", verdict="real").status_code == 200
    drafted = client.get(f"cases/{case}/report", token).json()
    assert drafted["state"]["recipient"] == "unit:government" and drafted["signer"]["person"]
    assert "燃气阀室001号" in drafted["draft"]["text"] and "⟦" not in drafted["draft"]["text"]
    english = client.get(f"cases/{case}/report", token, language="en").json()["draft"]["text"]
    assert "Not known:" in english and "⟦" not in english

    def send(key: str, **body: Any) -> Any:
        headers = {"Idempotency-Key": key, "If-Match": f'"{town.version(case)}"'}
        return client.post(f"cases/{case}/report", token, headers=headers, json=body)

    words = "首报：现场一处燃气阀室浓度超限。"
    signer = drafted["signer"]["person"]
    seen = town.version(case)
    first = send("r1", text=words, signer=signer)
    assert first.status_code == 200, first.text
    again = client.post(
        f"cases/{case}/report", token, json={"text": words, "signer": signer},
        headers={"Idempotency-Key": "r1", "If-Match": f'"{seen}"'},
    )  # fmt: skip
    assert again.json()["repeated"] is True
    leader = town.token(post=drafted["signer"]["post"])
    assert client.get(f"cases/{case}/report", token).json()["sent"] == [], "nothing goes unsigned"
    signed = client.act(case, "sign", leader, key="s1", passed=True)
    assert signed.status_code == 200, signed.text
    assert send("r2", text="更正：应为二处。", kind="correction").status_code == 200
    assert client.act(case, "sign", leader, key="s2", passed=True).status_code == 200
    stale = client.post(
        f"cases/{case}/report",
        token,
        json={"text": "x"},
        headers={"Idempotency-Key": "r3", "If-Match": '"1"'},
    )
    is_problem(stale, 409, "act.stale")
    after = client.get(f"cases/{case}/report", token).json()
    assert [(v["version"], v["kind"], v["text"]) for v in after["sent"]] == [
        (1, "first", words), (2, "correction", "更正：应为二处。")
    ]  # fmt: skip
    assert after["sent"][0]["signer"] == signer and after["sent"][0]["late_s"] < 0
    assert after["state"]["versions"] == 2 and after["state"]["due"] > drafted["state"]["due"]
    rows = {row.hash: row for row in town.platform.store.entries_of(f"case:{case}")}
    kept = rows[after["sent"][0]["hash"]].body
    assert after["sent"][0]["digest"].encode() in kept and words.encode() not in kept


def test_a_curve_is_paged_without_losing_or_repeating_and_condensed_for_a_chart(
    client: Client, town: Town
) -> None:
    channel = town.channels()[0].key
    whole = client.get(f"channels/{channel}/readings", town.token(post=CENTRE)).json()
    assert len(whole["points"]) > 2 and whole["buckets"] == []
    paged, cursor = [], "0"
    while cursor:
        answer = client.get(
            f"channels/{channel}/readings?after={cursor}&limit=2", town.token(post=CENTRE)
        ).json()
        assert len(answer["points"]) <= 2
        paged, cursor = paged + answer["points"], answer["next"]
    assert paged == whole["points"]
    thin = client.get(f"channels/{channel}/readings?step=86400", town.token(post=CENTRE)).json()
    values = [value for _, value, _ in whole["points"]]
    assert thin["points"] == [] and sum(count for _, count, *_ in thin["buckets"]) == len(values)
    assert max(high for *_, high in thin["buckets"]) == max(values)
    assert min(low for *_, low, _ in thin["buckets"]) == min(values)
    refused = client.get(f"channels/{channel}/readings?step=1&limit=1", town.token(post=CENTRE))
    is_problem(refused, 422, "http.bad_parameter")
