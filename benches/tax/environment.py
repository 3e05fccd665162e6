"""The peers' own Python environment, and the surroundings that their programs run in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from failure import Failure
from measure import Command, quiet

PEERS = {"rp2": "1.7.2", "BittyTax": "0.6.0"}
PYTHON_MIN = (3, 10)
# Nothing listens there: a program that looked for prices would fail at once.
NO_NETWORK = "http://127.0.0.1:9"
ODS = Path(__file__).with_name("ods.py")


class Environment:
    """A virtual environment with the pinned peers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = folder / "bin"
        self.versions: dict[str, str] = {}

    def install(self) -> None:
        """Makes the environment and installs the peers, unless they are there already."""
        if not self.program_path("python").exists():
            _say(f"making a Python environment in {self._folder}")
            venv.create(self._folder, with_pip=True)
        self.versions = self._read_versions()
        if all(self.versions.get(name) == version for name, version in PEERS.items()):
            return
        wanted = [f"{name}=={version}" for name, version in PEERS.items()]
        _say(f"installing {' and '.join(wanted)} from the package index")
        words = [self.program("python"), "-m", "pip", "install", *_PIP_QUIETLY, *wanted]
        log = self._folder / "install.log"
        # The one step that may use the network.
        quiet(Command("pip", words, self._folder, os.environ, log))
        self.versions = self._read_versions()

    def program_path(self, name: str) -> Path:
        """Where a program of the environment lies."""
        return self._bin / name

    def program(self, name: str) -> str:
        """The same as a word of a command."""
        return str(self.program_path(name))

    def command(self, name: str, words: Sequence[str], folder: Path, output: Path) -> Command:
        """A command whose home is its folder and which reaches no network."""
        return Command(name, words, folder, surroundings(folder), output)

    def ods(self, folder: Path, *words: object) -> Command:
        """A step of ods.py."""
        output = folder / f"ods-{words[0]}.log"
        command = [self.program("python"), str(ODS), *map(str, words)]
        return self.command("writing or reading a spreadsheet", command, folder, output)

    def _read_versions(self) -> dict[str, str]:
        words = [self.program("python"), "-m", "pip", "list", "--format", "json"]
        listed = subprocess.run(
            [*words, "--disable-pip-version-check"],
            capture_output=True,
            text=True,
            check=False,
        )
        if listed.returncode != 0:
            raise Failure(
                f"the environment in {self._folder} does not work:\n{listed.stderr.strip()}",
                "delete the folder, so that it is made anew",
            )
        return {package["name"]: package["version"] for package in json.loads(listed.stdout)}


_PIP_QUIETLY = ["--quiet", "--disable-pip-version-check", "--no-input"]


def surroundings(home: Path) -> Mapping[str, str]:
    """What every measured program is given: nothing of the person's own settings."""
    given = {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
    }
    for scheme in ("http", "https", "all"):
        given[f"{scheme}_proxy"] = NO_NETWORK
        given[f"{scheme}_proxy".upper()] = NO_NETWORK
    return given


def _say(what: str) -> None:
    print(what, file=sys.stderr)
