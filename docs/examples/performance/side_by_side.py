"""The same readings and rules through this program and through what one might take instead.

    python side_by_side.py FOLDER [--json FILE] [--only NAME …]

Run it with the Python in which liandong is installed. Into FOLDER it installs what it compares with, each
apart: Bytewax and River in a virtual environment (pip), Prometheus unpacked from its Debian package
(apt-get download), Node-RED (npm); what cannot be had is left out and named. Nothing else on the machine is
touched. Figures are of the processor, so that they can be compared on a machine that others use as well.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import readings as given

HERE = Path(__file__).parent
#: What each does with a reading in the time that is counted, and what it has that this program has not.
INCLUDES = {
    "alone": "both rules, event time, late and repeated readings, provisional and settled findings; readings "
    "in arrays, messages of 5,000",
    "durable": "the same, and Arrow decoded and checked, raw and decoded bytes written to the log, one "
    "fdatasync for 16 messages",
    "bytewax": "both rules in Python on a keyed state, one worker; no decoding, no durability (its recovery "
    "store off), no late data; it can be spread over machines",
    "river": "both rules in one Python loop, mean and variance by River; no decoding, no durability, no late "
    "data; a library with far richer online learning than z-scores",
    "prometheus": "remote write decoded, write-ahead log without a sync for each request, three rules over "
    "all series every second on its own clock (no event time: what comes late is not evaluated again), the "
    "results stored; it can be queried, federated and drawn at once",
    "node-red": "HTTP and JSON decoded, both rules in one function node; no checks, no durability, no late "
    "data; flows are drawn and changed in the browser",
}
WARM_UP = 2  # rounds that are not counted, where a server is asked


# This program.


def ours(home: Path) -> list[dict]:
    """Detection alone, as the libraries do it; then decoding, log with sync, and detection."""
    from liandong.bench.ingest import arrow_message
    from liandong.bench.stages import SOURCE, TOGETHER, _decode_arrow, _Spent
    from liandong.core.detect import Shard
    from liandong.core.ingest import ChannelTable
    from liandong.core.values.lists import Mode, Statistic
    from liandong.core.values.log import record_of
    from liandong.core.values.rules import ChannelRow, Rule, SourceTerms
    from liandong.stores.readings import ReadingLog

    rows = [
        ChannelRow(number=n, key=given.key(n), group=f"group:{n // 20}", source=SOURCE, quantity="gas")
        for n in range(given.CHANNELS)
    ]
    common = {"version": 1, "hazard": "gas_leak", "severity": "high", "quantity": "gas"}
    rules = [
        Rule(key="limit", raise_at=given.RAISE, clear_at=given.CLEAR, hold_s=given.HOLD, **common),
        Rule(
            key="zscore",
            statistic=Statistic.ZSCORE,
            window_s=given.Z_WINDOW,
            raise_at=given.Z_RAISE,
            clear_at=given.Z_CLEAR,
            **common,
        ),
    ]
    terms = [SourceTerms(key=SOURCE, lateness_s=5.0)]
    table, names = ChannelTable(rows), [row.key for row in rows]
    channel, times, value = given.make()
    cuts = [slice(at, at + 5_000) for at in range(0, len(channel), 5_000)]
    raws = [arrow_message(names, channel[c], times[c], value[c], str(c.start)) for c in cuts]

    def shard() -> Shard:
        return Shard(rows, rules, terms, "city", Mode.TEST)

    for warm in raws[:2]:  # compiles, or loads what was compiled
        one = shard()
        one.process(_decode_arrow(warm, table, given.START).batch, (1, 0))

    def raised(said) -> tuple[int, int]:
        keys = [m.rule for messages in said for m in messages if type(m).__name__ == "Finding"]
        return keys.count("limit"), keys.count("zscore")

    batches = [_decode_arrow(raw, table, given.START).batch for raw in raws]
    one, clock = shard(), given.Clock()
    said = [one.process(batch, (1, n)).messages for n, batch in enumerate(batches)]
    alone = clock.read(len(channel), *raised(said))

    with tempfile.TemporaryDirectory(dir=home) as folder:
        log, one, spent, said = ReadingLog(Path(folder)), shard(), _Spent(), []
        clock = given.Clock()
        for first in range(0, len(raws), TOGETHER):
            group = raws[first : first + TOGETHER]
            found = spent.timed("decoding", lambda g=group: [_decode_arrow(r, table, given.START) for r in g])
            records = [
                record_of(d.batch, message_key=d.key, arrival=given.START, raw=r)
                for d, r in zip(found, group, strict=True)
            ]
            at = spent.timed("durability", lambda r=records: log.append(r))
            said += spent.timed(
                "detection",
                lambda r=records, a=at: [one.process(x.batch, p).messages for x, p in zip(r, a, strict=True)],
            )
        whole = clock.read(len(channel), *raised(said))
        log.close()
    cpu = sum(spent.cpu.values())
    whole["share"] = {stage: f"{seconds / cpu:.0%}" for stage, seconds in spent.cpu.items()}
    return [
        {"name": "liandong, detection alone", "includes": INCLUDES["alone"], **alone},
        {"name": "liandong, decoded and durable", "includes": INCLUDES["durable"], **whole},
    ]


# Libraries of Python.


def python_libraries(home: Path) -> list[dict]:
    """Bytewax and River, in an environment of their own."""
    environment = home / "python"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "bytewax", "river", "numpy"], check=True)
    versions = json.loads(
        subprocess.run(
            [python, "-c", "import json, importlib.metadata as m;"
             "print(json.dumps({n: m.version(n) for n in ('bytewax', 'river')}))"],
            check=True, capture_output=True, text=True,
        ).stdout
    )  # fmt: skip
    found = []
    for name, version in versions.items():
        figures = home / f"{name}.json"
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        subprocess.run([python, HERE / f"with_{name}.py", figures], check=True, env=environ)
        row = json.loads(figures.read_text())
        found.append({"name": f"{name.capitalize()} {version}", "includes": INCLUDES[name], **row})
    return found


# Prometheus.


def prometheus(home: Path) -> list[dict]:
    """One round a second by remote write, rules evaluated every second, for as long as there are readings."""
    folder = home / "prometheus"
    binary = folder / "usr" / "bin" / "prometheus"
    if not binary.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "prometheus"], cwd=folder, check=True, capture_output=True)
        package = next(folder.glob("prometheus_*.deb"))
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    version = subprocess.run(
        [binary, "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[2]
    config = folder / "prometheus.yml"
    config.write_text(
        f"global: {{evaluation_interval: 1s}}\nrule_files: ['{HERE / 'prometheus_rules.yml'}']\n", "utf-8"
    )
    port = _free_port()
    with tempfile.TemporaryDirectory(dir=home) as data:
        process = subprocess.Popen(
            [binary, f"--config.file={config}", f"--storage.tsdb.path={data}",
             f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_for(port, "/-/ready")
            figures = _remote_write(port, process.pid)
        finally:
            process.terminate()
            process.wait(30)
    return [{"name": f"Prometheus {version}", "includes": INCLUDES["prometheus"], **figures}]


def _remote_write(port: int, pid: int) -> dict:
    """Rounds of readings with the present time; its processor time from the third round on."""
    from liandong.app.clock import system_clock

    clock = system_clock()
    _, _, value = given.make()
    rounds = value.reshape(given.ROUNDS, given.CHANNELS)
    heads = [_labels({"__name__": "reading", "channel": given.key(c)}) for c in range(given.CHANNELS)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
    cpu = wall = 0.0
    began = time.perf_counter()
    for number, row in enumerate(rounds.tolist()):
        if number == WARM_UP:
            cpu, wall = _cpu(pid), time.perf_counter()
        time.sleep(max(0.0, began + number - time.perf_counter()))
        stamp = b"\x10" + _varint(clock.read().now // 1000)
        series = []
        for head, v in zip(heads, row, strict=True):
            sample = b"\x09" + struct.pack("<d", v) + stamp
            body = head + b"\x12" + _varint(len(sample)) + sample
            series.append(b"\x0a" + _varint(len(body)) + body)
        for first in range(0, len(series), 5_000):
            connection.request(
                "POST", "/api/v1/write", _snappy(b"".join(series[first : first + 5_000])), headers
            )
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{answer.status} {text[:200]!r}")
    time.sleep(max(0.0, began + given.ROUNDS - time.perf_counter()))
    used, seconds = _cpu(pid) - cpu, time.perf_counter() - wall
    alarms = {
        name: int(float((_query(port, f'count(last_over_time(ALERTS{{alertname="{name}",'
                  f'alertstate="firing"}}[5m]))') or [[0, 0]])[0][1]))
        for name in ("Limit", "Odd")
    }  # fmt: skip
    return {
        "readings": given.CHANNELS * (given.ROUNDS - WARM_UP), "seconds": round(seconds, 2),
        "cpu_seconds": round(used, 2), "limit_alarms": alarms["Limit"], "zscore_alarms": alarms["Odd"],
        "evaluations_missed": _missed(port),
        "paced": "one round a second; its seconds are those of the pace",
    }  # fmt: skip


def _missed(port: int) -> int:
    """How often the rules were not evaluated because the evaluation before took too long."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    name = "prometheus_rule_group_iterations_missed_total"
    return sum(round(float(line.rpartition(" ")[2])) for line in lines if line.startswith(name))


def _query(port: int, expression: str) -> list:
    path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return [row["value"] for row in json.load(answer)["data"]["result"]]


def _labels(labels: dict[str, str]) -> bytes:
    out = b""
    for name, text in sorted(labels.items()):
        pair = b"\x0a" + _varint(len(name)) + name.encode() + b"\x12" + _varint(len(text)) + text.encode()
        out += b"\x0a" + _varint(len(pair)) + pair
    return out


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def _snappy(data: bytes) -> bytes:
    """The block format with literals only: nothing is compressed, which costs the server least."""
    out = [_varint(len(data))]
    for at in range(0, len(data), 65_536):
        piece = data[at : at + 65_536]
        out += [b"\xf4" + struct.pack("<H", len(piece) - 1), piece]
    return b"".join(out)


# Node-RED.


def node_red(home: Path) -> list[dict]:
    """A flow of one function node behind HTTP, messages of 500 readings in JSON, sixteen connections."""
    folder = home / "node-red"
    script = folder / "node_modules" / "node-red" / "red.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "node-red"], cwd=folder, check=True,
                       capture_output=True)  # fmt: skip
    version = json.loads((script.parent / "package.json").read_text())["version"]
    channel, times, value = given.make()
    bodies = [[] for _ in range(16)]
    for first in range(0, len(channel), 500):
        part = slice(first, first + 500)
        rows = [
            {"channel": given.key(c), "time": _rfc3339(t), "value": v}
            for c, t, v in zip(
                channel[part].tolist(), times[part].tolist(), value[part].tolist(), strict=True
            )
        ]
        # A channel always by the same connection, so that its readings stay in order.
        bodies[(first // 500) % 60 % 16].append(json.dumps({"readings": rows}).encode())
    port = _free_port()
    with tempfile.TemporaryDirectory(dir=home) as user:
        process = subprocess.Popen(
            ["node", script, "--userDir", user, "--port", str(port), HERE / "node_red_flows.json"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_for(port, "/")
            _send(port, [[json.dumps({"readings": []}).encode()]])
            cpu, wall = _cpu(process.pid), time.perf_counter()
            said = _send(port, bodies)
            used, seconds = _cpu(process.pid) - cpu, time.perf_counter() - wall
        finally:
            process.terminate()
            process.wait(30)
    figures = {
        "readings": len(channel), "seconds": round(seconds, 2), "cpu_seconds": round(used, 2),
        "limit_alarms": max(s["limit"] for s in said), "zscore_alarms": max(s["zscore"] for s in said),
    }  # fmt: skip
    return [{"name": f"Node-RED {version}", "includes": INCLUDES["node-red"], **figures}]


def _send(port: int, bodies: list[list[bytes]]) -> list[dict]:
    said: list[dict] = []

    def work(own: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for body in own:
            connection.request("POST", "/readings", body, {"Content-Type": "application/json"})
            said.append(json.loads(connection.getresponse().read()))

    threads = [threading.Thread(target=work, args=(own,)) for own in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def _rfc3339(at: int) -> str:
    seconds, rest = divmod(at, given.SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:06}Z"


# What all need.


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, path: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(path)


CONTENDERS = {"liandong": ours, "libraries": python_libraries, "prometheus": prometheus, "node-red": node_red}


def main() -> None:
    """Run them one after the other and print a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--json", type=Path)
    options.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=list(CONTENDERS))
    asked = options.parse_args()
    home = asked.folder.absolute()
    home.mkdir(parents=True, exist_ok=True)
    found, missing = [], {}
    for name in asked.only:
        try:
            found += CONTENDERS[name](home)
        except (OSError, subprocess.CalledProcessError, TimeoutError, RuntimeError) as error:
            missing[name] = str(error)[:200]
    for row in found:
        row["cpu_us_a_reading"] = round(row["cpu_seconds"] / row["readings"] * 1e6, 3)
        row["readings_per_s_per_core"] = round(row["readings"] / row["cpu_seconds"])
        print(f"{row['name']}: {row['readings_per_s_per_core']:,} readings/s and core, "
              f"{row['cpu_us_a_reading']} µs; alarms {row['limit_alarms']} and {row['zscore_alarms']}; "
              f"{row['includes']}")  # fmt: skip
    for name, why in missing.items():
        print(f"{name}: left out, {why}")
    if asked.json:
        report = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "cores": len(os.sched_getaffinity(0)), "system": platform.platform(terse=True),
            "python": platform.python_version(), "channels": given.CHANNELS, "results": found,
            "left_out": missing,
        }  # fmt: skip
        asked.json.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
