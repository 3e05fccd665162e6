"""Celery: how it is filled and run. Hears and says what node/protocol.mjs describes."""

import argparse
import itertools
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import celery
import redis

NAME = "probe"
# The best settings that were found: more threads only wait for each other.
THREADS = 50
PRODUCERS_MAX = 8

URL = os.environ["PEERS_URL"]
app = celery.Celery("peers", broker=URL)
app.conf.task_ignore_result = True
app.conf.task_default_queue = NAME
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = False
# What is said here is for the harness; by default Celery makes it lines of its log.
app.conf.worker_redirect_stdouts = False

asked = argparse.Namespace(each=False, all=0)
ran = itertools.count(1)
saying = threading.Lock()


def now():
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def say(line):
    with saying:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@app.task(name=NAME)
def probe(hold_ms=0):
    if asked.each:
        say(f"began {now()}")
    if hold_ms > 0:
        time.sleep(hold_ms / 1000)
    if next(ran) == asked.all:
        say("all")


def make(jobs, producers, _):
    def produce(count):
        for _ in range(count):
            probe.apply_async()

    threads = min(producers, PRODUCERS_MAX)
    counts = [jobs // threads + (place < jobs % threads) for place in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(produce, count) for count in counts]:
            done.result()


def produce():
    store = redis.Redis.from_url(URL)
    store.ping()
    say("ready")
    for line in sys.stdin:
        word, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if word == "make":
            make(*numbers)
            say("made")
        elif word == "one":
            since = now()
            probe.apply_async(kwargs={"hold_ms": numbers[0]} if numbers[0] else {})
            say(f"one {since}")
        elif word == "left":
            # Those that a worker fetched and has not acknowledged lie in a hash.
            say(f"left {store.llen(NAME) + store.hlen('unacked')}")
        elif word == "idle":
            say("idle")
        elif word == "hand-in":
            say("pids ")
        else:
            raise ValueError(f"no such command: {line}")


def work():
    threads = asked.slots or THREADS

    @celery.signals.worker_ready.connect(weak=False)
    def ready(**_):
        say("ready")

    # Without what several workers say to each other at their start, which takes a second.
    quiet = ["--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    pool = ["--pool=threads", f"--concurrency={threads}"]
    app.worker_main(["--quiet", "worker", *quiet, *pool])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["produce", "work"])
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--slots", type=int, default=0)
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--all", type=int, default=0)
    parser.parse_args(namespace=asked)
    work() if asked.part == "work" else produce()


if __name__ == "__main__":
    main()
