"""`python -m llm_proxy` is `llm-proxy`."""

from ._command import main

if __name__ == "__main__":
    main()
