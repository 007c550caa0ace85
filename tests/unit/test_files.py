"""Promise: a file is complete or not there; what was there before survives any failure."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gausswork import files
from gausswork.errors import InputError


def write(path: Path, text: str = "new") -> None:
    with files.atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def test_a_new_file_has_the_usual_permissions(tmp_path) -> None:
    write(tmp_path / "a.txt")
    usual = tmp_path / "b.txt"
    usual.touch()
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "a.txt").stat().st_mode == usual.stat().st_mode
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_a_replaced_file_keeps_its_permissions(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    write(path)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def interrupted(temporary: Path) -> None:
        temporary.write_text("half")
        raise error

    with pytest.raises(error), files.atomic(path) as temporary:
        interrupted(temporary)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end_leaves_the_old_file(tmp_path, monkeypatch, call) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), full)
    with pytest.raises(InputError, match=r"cannot write .*a.txt: No space left on device"):
        write(path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_a_link_is_followed(tmp_path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write(tmp_path / "link.txt")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_device_is_written_directly() -> None:
    write(Path(os.devnull))
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_places_that_cannot_be_written_are_refused_before_any_work(tmp_path) -> None:
    worked = False
    for path, said in (
        (tmp_path, "is a directory"),
        (tmp_path / "no" / "a.txt", "the directory of .* does not exist"),
        (tmp_path / ("x" * 300), "cannot write"),
    ):
        with pytest.raises(InputError, match=said), files.atomic(path):
            worked = True
    assert not worked


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_places_are_refused(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "a.txt").chmod(0o444)
    with pytest.raises(InputError, match="Permission denied"):
        write(tmp_path / "a.txt")
    tmp_path.chmod(0o555)
    with pytest.raises(InputError, match="Permission denied"):
        write(tmp_path / "b.txt")
    tmp_path.chmod(0o755)


def test_links_that_lead_to_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with (
        pytest.raises(InputError, match="Too many levels of symbolic links"),
        files.atomic(tmp_path / "loop"),
    ):
        raise AssertionError("nothing can be written")
