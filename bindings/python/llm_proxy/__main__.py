"""`python -m llm_proxy` is `llm-proxy`."""

from ._command import main

main()
