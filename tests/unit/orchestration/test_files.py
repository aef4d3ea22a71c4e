from pathlib import Path

import pytest

from orchestration.ground.files import replace_text


def test_a_file_holds_the_new_text_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "sent.json"
    replace_text(path, "old")
    replace_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "sent.json"
    replace_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_text(path, "half an emoji \ud83d")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
