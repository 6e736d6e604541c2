"""What is measured. A new row of the benchmark is a new entry here."""

from collections.abc import Mapping

from harness.load import StreamLoad
from harness.measure import KIB, Memory, Rate, Requests, Scenario, Streams

SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Requests("req-1k", "450 B request, 1 KB reply, 64 connections", body_bytes=450),
        Requests("req-60k", "60 KB request, 1 KB reply, 64 connections", body_bytes=60 * KIB),
        Rate("rate-1000", "1,000 requests a second, 450 B request, 1 KB reply", per_second=1000),
        Streams(
            "stream-200",
            "200 streams of 100 chunks of 200 B, one every 20 ms, three rounds",
            "bench-stream-100-20",
            StreamLoad(streams=200, chunks=100, ramp_ms=1000, rounds=3),
            expected_bytes=20_173,
        ),
        Streams(
            "stream-1000",
            "1,000 streams of 100 chunks of 200 B, one every 20 ms, two rounds",
            "bench-stream-100-20",
            StreamLoad(streams=1000, chunks=100, ramp_ms=1000, rounds=2),
            expected_bytes=20_173,
        ),
        Streams(
            "stream-5000",
            "5,000 streams of 40 chunks of 200 B, one every 200 ms",
            "bench-stream-40-200",
            StreamLoad(streams=5000, chunks=40, ramp_ms=4000),
            expected_bytes=8_173,
        ),
        Memory(
            "memory-1000",
            "memory (PSS) of a fresh process: idle, and with 1,000 streams open",
            "bench-stream-40-200",
            StreamLoad(streams=1000, chunks=40, ramp_ms=1000),
        ),
        Memory(
            "memory-5000",
            "memory (PSS) of a fresh process: idle, and with 5,000 streams open",
            "bench-stream-40-200",
            StreamLoad(streams=5000, chunks=40, ramp_ms=4000),
        ),
    )
}
