#!/usr/bin/env python3
"""Measures the Python package beside its peers and writes its part of RESULTS.md; see README.md."""

import argparse
import shlex
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from harness import conditions, install
from harness.alone import alone, names, raise_open_files
from harness.contender import upstream
from harness.python import report, runner
from harness.python.contenders import CONTENDERS
from harness.python.rows import QUICK, ROWS, Context, Extent
from harness.python.watcher import watching
from harness.results import Results
from harness.settings import BENCH, RESULTS


def main() -> None:
    """The command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    options = _options()
    results = Results.load(options.report) if options.report else _measure(options)
    output = options.output or _default_output(options)
    report.write(output, results)
    print(f"written to {output}", file=sys.stderr)


def _measure(options: argparse.Namespace) -> Results:
    field = runner.Field(
        contenders=[contender for contender in CONTENDERS if contender.name in options.only],
        rows=[ROWS[name] for name in ROWS if name in options.row],
        passes=options.passes or (1 if options.quick else 3),
        repeats=0 if options.quick else runner.REPEATS,
    )
    raise_open_files()
    if options.build:
        install.release_binaries(["llm-proxy-bench"])
    for contender in field.contenders:
        contender.prepare()
    command = shlex.join(["bench/run_python.py", *sys.argv[1:]])
    results = Results(conditions.gather(command, field.passes, 1.0))
    results.versions = {contender.name: contender.version() for contender in field.contenders}
    try:
        with alone(), upstream() as tree, watching() as watcher:
            context = Context(watcher, QUICK if options.quick else Extent())
            runner.run(results, tree, context, field)
    finally:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        results.save(RESULTS / f"python-{stamp}.json")
        if _is_complete(options):
            results.save(RESULTS / "python.json")
    return results


def _is_complete(options: argparse.Namespace) -> bool:
    everything = {contender.name for contender in CONTENDERS}, set(ROWS)
    return not options.quick and (set(options.only), set(options.row)) == everything


def _default_output(options: argparse.Namespace) -> Path:
    """Only a run of everything replaces the published part."""
    complete = options.report or _is_complete(options)
    return BENCH / "RESULTS.md" if complete else RESULTS / "python-partial.md"


def _options() -> argparse.Namespace:
    contenders = [contender.name for contender in CONTENDERS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, help="default 3")
    parser.add_argument("--quick", action="store_true", help="one pass, shorter, never repeated")
    parser.add_argument(
        "--only",
        type=lambda text: names(contenders, text),
        default=contenders,
        help=f"of {','.join(contenders)}",
    )
    parser.add_argument(
        "--row",
        type=lambda text: names(ROWS, text),
        default=list(ROWS),
        help=f"of {','.join(ROWS)}",
    )
    parser.add_argument(
        "--no-build", dest="build", action="store_false", help="take target/release as it is"
    )
    parser.add_argument("--report", type=Path, help="only write the part of an earlier JSON")
    parser.add_argument("--output", type=Path, help="the page; default RESULTS.md if complete")
    return parser.parse_args()


if __name__ == "__main__":
    main()
