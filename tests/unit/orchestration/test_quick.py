"""Templates that are kept: found again by their text, never believed when damaged."""

from __future__ import annotations

import marshal
from pathlib import Path

import jinja2
import pytest

from orchestration.warehouse.quick import Templates


def compiled(templates: Templates, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patched:
        patched.setattr(jinja2.Environment, "compile", lambda *a, **o: templates.compile(*a, **o))
        rendered: str = jinja2.Environment(autoescape=False).from_string(text).render(n=3)
    return rendered


def test_a_text_is_compiled_once_for_all_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "templates.bin"
    first = Templates(path)
    assert compiled(first, "{{ n + 1 }}", monkeypatch) == "4"
    first.keep()
    kept = path.read_bytes()
    again = Templates(path)
    monkeypatch.setattr(again, "_compile", None)
    assert compiled(again, "{{ n + 1 }}", monkeypatch) == "4"
    again.keep()
    assert path.read_bytes() == kept
    with pytest.raises(TypeError):
        compiled(again, "{{ n + 2 }}", monkeypatch)


@pytest.mark.parametrize("damage", ["torn", "garbage", "another Python's", "gone"])
def test_a_file_that_is_no_good_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    path = tmp_path / "templates.bin"
    first = Templates(path)
    compiled(first, "{{ n + 1 }}", monkeypatch)
    first.keep()
    whole = path.read_bytes()
    if damage == "torn":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "garbage":
        path.write_bytes(b"no such thing")
    elif damage == "another Python's":
        path.write_bytes(marshal.dumps(marshal.loads(whole) | {"of": "Python 4"}))
    else:
        path.unlink()
    again = Templates(path)
    assert compiled(again, "{{ n + 1 }}", monkeypatch) == "4"
    again.keep()
    assert path.read_bytes() == whole
