"""The documents' commands, run as they are written there."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.homes import environment

PROGRAMS = Path(sys.executable).parent


class Shell:
    """Runs commands of the documents as they stand there, after filling in what stands for something else."""

    def __init__(self) -> None:
        self.ran: set[str] = set()

    def arguments(
        self, folder: Path, written: str, filled: dict[str, str], environ: dict[str, str]
    ) -> dict[str, object]:
        self.ran.add(written)
        command = written
        for placeholder, value in filled.items():
            assert placeholder in command
            command = command.replace(placeholder, value)
        environ = environment(folder, **environ)
        environ["PATH"] = f"{PROGRAMS}{os.pathsep}{environ['PATH']}"
        return {"args": ["sh", "-c", command], "cwd": folder, "env": environ, "text": True}

    def __call__(
        self,
        folder: Path,
        written: str,
        *filled: tuple[str, str],
        code: int = 0,
        answer: str = "",
        **environ: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a folder; it must end with the exit code and without a stack.

        What it asks at the terminal is given the answer.
        """
        arguments = self.arguments(folder, written, dict(filled), environ)
        terminal, theirs = pty.openpty()
        try:
            os.write(terminal, answer.encode())
            done = subprocess.run(stdin=theirs, capture_output=True, timeout=600, **arguments)  # type: ignore[call-overload]
        finally:
            os.close(terminal)
            os.close(theirs)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done  # type: ignore[no-any-return]

    @contextmanager
    def serving(
        self, folder: Path, written: str, *filled: tuple[str, str], ready: str, **environ: str
    ) -> Iterator[list[str]]:
        """Run a command that serves until it is interrupted; what it said when it was ready."""
        arguments = self.arguments(folder, written, dict(filled), environ)
        process = subprocess.Popen(
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **arguments,  # type: ignore[call-overload]
        )
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                if re.search(ready, line):
                    break
            assert re.search(ready, said[-1]), "".join(said)
            yield said
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                # Dagster's servers do not always end when told to; what is tested is that they serve.
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
