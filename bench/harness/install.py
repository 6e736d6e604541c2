"""Brings in what is missing, and nothing when all is there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.settings import LITELLM_VENV, ROOT, TENSORZERO_VENV

DEBIAN_PACKAGES = {
    "nginx": Path("/usr/sbin/nginx"),
    "libnginx-mod-http-lua": Path("/usr/lib/nginx/modules/ngx_http_lua_module.so"),
    "lua-cjson": Path("/usr/lib/x86_64-linux-gnu/lua/5.1/cjson.so"),
    "haproxy": Path("/usr/sbin/haproxy"),
    "wrk": Path("/usr/bin/wrk"),
}
"""Each package with a file that it brings."""

VENVS = {
    LITELLM_VENV: ("litellm[proxy]", "litellm"),
    TENSORZERO_VENV: ("tensorzero", "tensorzero"),
}
"""Each environment with what is installed into it and the package's plain name."""

POLICY = Path("/usr/sbin/policy-rc.d")


def debian_packages(names: Iterable[str]) -> None:
    """Installs Debian packages without letting any of them start a service."""
    missing = [name for name in names if not DEBIAN_PACKAGES[name].exists()]
    if not missing:
        return
    keep_policy = POLICY.exists()
    if not keep_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        _apt(["install", "-y", "--no-install-recommends", *missing])
    finally:
        if not keep_policy:
            POLICY.unlink()
    _disable_services({"nginx", "haproxy"}.intersection(missing))


def virtual_environment(venv: Path) -> None:
    """Creates a virtual environment with its one package."""
    requirement, name = VENVS[venv]
    python = venv / "bin" / "python"
    probe = [str(python), "-c", f"import importlib.metadata as m; m.version({name!r})"]
    if python.exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return
    _run([sys.executable, "-m", "venv", str(venv)])
    _run([str(python), "-m", "pip", "install", "--quiet", requirement])


def release_binaries(packages: Iterable[str]) -> None:
    """Builds workspace members with the release profile."""
    selected = [option for package in packages for option in ("-p", package)]
    _run(["cargo", "build", "--release", *selected])


def _apt(arguments: Sequence[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-q", *arguments]
    _run(command, environment)


def _disable_services(names: Iterable[str]) -> None:
    """Installed as peers, not as services of this machine."""
    if not shutil.which("systemctl") or not Path("/run/systemd/system").exists():
        return
    for name in names:
        subprocess.run(["systemctl", "disable", "--now", name], capture_output=True, check=False)


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    print("+", *command, file=sys.stderr, flush=True)
    subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=True)
