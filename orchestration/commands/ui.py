"""The Dagster UI behind the guard, with the daemon (schedule, sensors) and the code server beside it.

What `dagster dev` starts, but for the webserver: that one runs in this process, behind the guard.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import uvicorn
import yaml
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget, WorkspaceFileTarget
from dagster_shared.ipc import get_ipc_shutdown_pipe, open_ipc_subprocess, send_ipc_shutdown_message
from dagster_webserver.app import create_app_from_workspace_process_context

from ingestion.errors import ExpectedError
from orchestration.commands.guard import PARAMETER, Guard
from orchestration.commands.pages import Reports
from orchestration.ground.home import Home
from orchestration.ground.settings import FOLDER
from orchestration.jobs import LOCATION

HOST = "127.0.0.1"
QUIET = "warning"
POLL_MILLISECONDS = 2000
PATIENCE_SECONDS = 30
DB_SECONDS, DB_RECYCLE_SECONDS, DB_OVERFLOW = 15, 3600, 20


class UiError(ExpectedError):
    """The UI cannot start, or ended by itself; the message says why and what to do."""


def serve(home: Home, port: int, *, is_read_only: bool = False) -> None:
    """Serve on loopback until interrupted.

    Args:
        home: where everything lives; DAGSTER_HOME points into it.
        port: the port, 0 for a free one.
        is_read_only: the page can start, stop and delete nothing; schedule and sensors run as always.

    Raises:
        UiError: the port is taken, or the daemon ended.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise UiError(f"port {port} cannot be used ({why}): `cxmarts ui --port N`") from None
    with listener, _elsewhere(home), dg.DagsterInstance.get() as instance, contextlib.ExitStack() as stack:
        target = ModuleTarget("orchestration.definitions", None, str(home.dagster), LOCATION)
        code = stack.enter_context(ProxyServerManager(instance, target, QUIET))
        workspace = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "workspace.yaml"
        workspace.write_text(yaml.dump({"load_from": code.get_code_server_specs()}))
        instance.optimize_for_webserver(DB_SECONDS * 1000, DB_RECYCLE_SECONDS, DB_OVERFLOW)
        context = stack.enter_context(
            WorkspaceProcessContext(
                instance,
                WorkspaceFileTarget([str(workspace)]),
                version=dg.__version__,
                read_only=is_read_only,
            )
        )
        secret, port = secrets.token_urlsafe(32), listener.getsockname()[1]
        served = create_app_from_workspace_process_context(context, "", POLL_MILLISECONDS)
        app = Guard(Reports(served, home.published), port, secret)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_level=QUIET,
                proxy_headers=False,
                server_header=False,
                headers=[("X-Frame-Options", "DENY")],
                timeout_graceful_shutdown=PATIENCE_SECONDS,
            )
        )
        daemon = stack.enter_context(_daemon(workspace, server))
        print(f"The Dagster UI: http://{HOST}:{port}/?{PARAMETER}={secret}", flush=True)  # noqa: T201
        print("Whoever has this link may use it; Ctrl-C ends it.", file=sys.stderr)  # noqa: T201
        server.run([listener])
        if daemon.poll() is not None:
            raise UiError(f"Dagster's daemon ended by itself (code {daemon.returncode}): start again")


@contextlib.contextmanager
def _elsewhere(home: Home) -> Iterator[None]:
    """Run in another folder: Dagster's processes read `.env` of theirs in a way of their own."""
    before = Path.cwd()
    os.environ[FOLDER] = str(before)
    os.chdir(home.dagster)
    try:
        yield
    finally:
        os.chdir(before)
        del os.environ[FOLDER]


@contextlib.contextmanager
def _daemon(workspace: Path, server: uvicorn.Server) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's daemon; if it ends, so does the server."""
    reads, writes = get_ipc_shutdown_pipe()
    command = [sys.executable, "-m", "dagster._daemon", "run", "--log-level", QUIET]
    command += ["--workspace", str(workspace), "--shutdown-pipe", str(reads)]
    process = open_ipc_subprocess(command, pass_fds=[reads])
    os.close(reads)

    def watch() -> None:
        process.wait()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield process
    finally:
        with contextlib.suppress(BrokenPipeError):
            send_ipc_shutdown_message(writes)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
