"""A copy of the project, to which a test adds what a recipe of the documents names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.parsed import ROOT

#: What `make docs` writes: nobody counts it among the files of a recipe.
WRITTEN = {
    "cards": "dbt_project/macros/generated/cards.sql",
    "dictionary": "docs/data_dictionary.md",
    "settings_docs": ".env.example docs/operations.md",
}


class Checkout:
    """The files of this checkout that git knows, or would, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        known = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(known, cwd=ROOT, check=True, capture_output=True, text=True)
        self._files = [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]
        for name in self._files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)

    def add(self, tree: Path) -> None:
        """Lay a tree of new files over it."""
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            target = self.folder / path.relative_to(tree)
            assert not target.exists(), f"{target} is not new"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)

    def append(self, name: str, text: str) -> None:
        """Put a text behind a file."""
        path = self.folder / name
        path.write_text(path.read_text() + text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Put a text in place of another, which stands in the file once."""
        text = (self.folder / name).read_text()
        assert text.count(old) == 1, f"{name}: {old!r}"
        (self.folder / name).write_text(text.replace(old, new))

    def changed(self) -> set[str]:
        """The files that differ from ours, but for those that `make docs` writes."""
        written = {name for names in WRITTEN.values() for name in names.split()}
        return {
            name
            for name in self._files
            if name not in written and (self.folder / name).read_bytes() != (ROOT / name).read_bytes()
        }

    def make_docs(self) -> None:
        """What `make docs` does."""
        for writer in WRITTEN:
            self.run("-m", f"orchestration.commands.{writer}")

    def run(self, *arguments: str) -> str:
        """What Python says in it, with its own modules.

        Raises:
            AssertionError: it ended with an error; the end of what it said.
        """
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            # Nothing of the process that tests us, which may be one of several workers.
            env={
                **{
                    name: value
                    for name, value in os.environ.items()
                    if not name.startswith(("PYTEST_", "CXMARTS_"))
                },
                "PYTHONPATH": str(self.folder),
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        return done.stdout

    def test(self, *tests: str) -> str:
        """The same of pytest."""
        said = self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
        assert "passed" in said
        return said
