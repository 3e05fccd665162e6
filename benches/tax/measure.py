"""Measures one run of a program: processor time, time on the clock, peak memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from failure import Failure

LAUNCHER = Path(__file__).with_name("launch.py")
# The last part of what a program said, for the message about its failure.
TAIL_CHARACTERS = 1_500


@dataclass(frozen=True)
class Usage:
    """What one run used."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    # Peaks below this cannot be told from it: see launch.py.
    floor_bytes: int


@dataclass(frozen=True)
class Command:
    """A program with all that it is started with."""

    name: str
    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    # Both outputs go here.
    output: Path


def quiet(command: Command) -> None:
    """Runs a step that is not measured."""
    with command.output.open("wb") as output:
        done = subprocess.run(
            command.words,
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise _failed(command, done.returncode)


def measured(command: Command, limit_seconds: float) -> Usage:
    """Runs a command and says what it used; it must end well and within the limit."""
    result = command.output.with_suffix(".usage.json")
    result.unlink(missing_ok=True)
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(result), *command.words]
    with command.output.open("wb") as output:
        process = subprocess.Popen(
            launcher,
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own, so that the program ends with the launcher.
            start_new_session=True,
        )
        try:
            status = process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            raise Failure(
                f"{command.name} did not end within {limit_seconds:g} s",
                "allow it more with --limit, or take fewer --rows",
            ) from None
        finally:
            _end(process)
    if status != 0:
        raise _failed(command, status)
    figures = json.loads(result.read_text(encoding="utf-8"))
    if figures["exit_code"] != 0:
        raise _failed(command, figures["exit_code"])
    return Usage(
        cpu_seconds=figures["cpu_seconds"],
        wall_seconds=figures["wall_seconds"],
        peak_bytes=figures["peak_kib"] * 1024,
        floor_bytes=figures["floor_kib"] * 1024,
    )


def middle(runs: Iterable[Usage]) -> Usage:
    """The median of each figure by itself."""
    runs = list(runs)
    return Usage(
        cpu_seconds=median(run.cpu_seconds for run in runs),
        wall_seconds=median(run.wall_seconds for run in runs),
        peak_bytes=round(median(run.peak_bytes for run in runs)),
        floor_bytes=max(run.floor_bytes for run in runs),
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is still running, after a limit or Ctrl-C."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _failed(command: Command, status: int) -> Failure:
    said = command.output.read_text(encoding="utf-8", errors="replace").strip()
    return Failure(
        f"{command.name} ended with {status}:\n{said[-TAIL_CHARACTERS:]}",
        f"all it said is in {command.output}",
    )
