"""Serves the gateway that TensorZero's wheel carries, until it is ended.

The wheel starts it on a port of the kernel's choosing; the port is printed as one line.
"""

import sys
import threading

import tensorzero


def main() -> None:
    """Starts the gateway with the configuration named on the command line."""
    gateway = tensorzero._start_http_gateway(  # what patch_openai_client calls
        config_file=sys.argv[1],
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=None,
        async_setup=False,
    )
    print(gateway.base_url, flush=True)
    threading.Event().wait()


main()
