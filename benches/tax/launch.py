"""Runs one command to its end and writes down what it used.

`launch.py RESULT PROGRAM [ARGUMENT]...` writes a JSON object to the file RESULT.

Linux counts the memory of the process that starts a program towards the peak of that program. So
the program is started from here, by an interpreter that holds nothing else (`-I -S`), and what
this interpreter itself takes is written down too: a peak below it cannot be told.
"""

import os
import sys
import time


def main() -> None:
    """Starts the program, waits for its end, and writes the figures."""
    result, command = sys.argv[1], sys.argv[2:]
    began = time.monotonic()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - began
    figures = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "wall_seconds": wall,
        "peak_kib": usage.ru_maxrss,
        "floor_kib": own_peak_kib(),
    }
    # Numbers only, so that the words of a dict are JSON; the json module would raise the floor.
    with open(result, "w", encoding="utf-8") as out:
        out.write(str(figures).replace("'", '"'))


def own_peak_kib() -> int:
    """Of this program alone; getrusage would count the one that started it."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    raise RuntimeError("/proc/self/status does not tell VmHWM")


if __name__ == "__main__":
    main()
