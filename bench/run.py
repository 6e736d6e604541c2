#!/usr/bin/env python3
"""Measures llm-proxy beside its peers and writes RESULTS.md; see README.md."""

import argparse
import shlex
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from harness import conditions, install, report, runner
from harness.alone import alone, names, raise_open_files
from harness.contender import Peer, upstream
from harness.peers import CONTENDERS, OURS
from harness.results import Results
from harness.scenarios import SCENARIOS
from harness.settings import BENCH, RESULTS

QUICK_SPEED = 0.3


def main() -> None:
    """The command line."""
    # So that what was started is ended and what was measured is kept.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    options = _options()
    results = Results.load(options.report) if options.report else _measure(options)
    output = options.output or _default_output(options)
    report.write(output, results)
    print(f"written to {output}", file=sys.stderr)


def _measure(options: argparse.Namespace) -> Results:
    contenders = [peer for peer in CONTENDERS if peer.name in options.only]
    scenarios = [SCENARIOS[name] for name in SCENARIOS if name in options.scenario]
    speed = QUICK_SPEED if options.quick else 1.0
    passes = options.passes or (1 if options.quick else 3)
    raise_open_files()
    _prepare(contenders, build=options.build)
    command = shlex.join(["bench/run.py", *sys.argv[1:]])
    results = Results(conditions.gather(command, passes, speed))
    results.versions = {peer.name: peer.version() for peer in contenders}
    try:
        with alone(), upstream() as tree:
            results.conditions["upstream"] = conditions.upstream_capacity()
            runner.run(results, tree, contenders, scenarios, runner.Extent(passes, speed))
    finally:
        # Hours of windows are worth keeping even when the run is broken off.
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        results.save(RESULTS / f"{stamp}.json")
        if _is_complete(options):
            results.save(RESULTS / "summary.json")
    return results


def _prepare(contenders: Iterable[Peer], *, build: bool) -> None:
    install.debian_packages(["wrk"])
    if build:
        install.release_binaries(["llm-proxy-bench"])
    for peer in contenders:
        if build or peer not in OURS:
            peer.prepare()


def _is_complete(options: argparse.Namespace) -> bool:
    everything = {peer.name for peer in CONTENDERS}, set(SCENARIOS)
    return not options.quick and (set(options.only), set(options.scenario)) == everything


def _default_output(options: argparse.Namespace) -> Path:
    """Only a run of everything replaces the published page."""
    complete = options.report or _is_complete(options)
    return BENCH / "RESULTS.md" if complete else RESULTS / "partial.md"


def _options() -> argparse.Namespace:
    contenders = [peer.name for peer in CONTENDERS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, help="default 3")
    parser.add_argument("--quick", action="store_true", help="one pass, short windows")
    parser.add_argument(
        "--only",
        type=lambda text: names(contenders, text),
        default=contenders,
        help=f"of {','.join(contenders)}",
    )
    parser.add_argument(
        "--scenario",
        type=lambda text: names(SCENARIOS, text),
        default=list(SCENARIOS),
        help=f"of {','.join(SCENARIOS)}",
    )
    parser.add_argument(
        "--no-build", dest="build", action="store_false", help="take target/release as it is"
    )
    parser.add_argument("--report", type=Path, help="only write the page of an earlier JSON")
    parser.add_argument("--output", type=Path, help="the page; default RESULTS.md if complete")
    return parser.parse_args()


if __name__ == "__main__":
    main()
