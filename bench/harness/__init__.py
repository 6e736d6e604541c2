"""The benchmark: peers side by side, one core each, judged by their own CPU time."""
