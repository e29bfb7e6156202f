# SPDX-License-Identifier: Apache-2.0
"""Files that change together: whenever it ends, the old ones are there or the new ones."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinyvmaf import swap
from tinyvmaf.errors import UsageError
from tinyvmaf.swap import complete, rewritten, write_together


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def is_ours(path):
    return path.suffix in {".json", ".onnx"}


def write(folder, word, names=("a/m.onnx", "a/m.json", "head.json")):
    with rewritten(folder, head="head.json", is_ours=is_ours) as new:
        for name in names:
            (new / name).parent.mkdir(exist_ok=True)
            (new / name).write_text(word)


class _Killed(BaseException):
    pass


def killed_after(monkeypatch, n_steps):
    """Make the process stop as if killed, after so many files took their place."""
    steps = iter(range(n_steps))
    replace = Path.replace

    def step(self, target):
        if ".ready" in str(self) and next(steps, None) is None:
            raise _Killed
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", step)


def test_a_folder_changes_in_one_step_and_loses_what_was_ours(tmp_path):
    folder = tmp_path / "run"
    write(folder, "old", ("a/m.onnx", "b/only_old.onnx", "head.json"))
    with rewritten(folder, head="head.json", is_ours=is_ours) as new:
        (new / "head.json").write_text("new")
        assert tree(folder)["head.json"] == "old"
    assert tree(folder) == {"head.json": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_nobody_ever_sees_a_folder_between_two_states(tmp_path, monkeypatch):
    """As a command that is killed between any two of its steps."""
    folder = tmp_path / "run"
    write(folder, "old")
    monkeypatch.setattr(Path, "replace", None)
    write(folder, "new")
    assert set(tree(folder).values()) == {"new"}


def test_an_error_leaves_the_old_folder_and_names_it(tmp_path):
    folder = tmp_path / "run"
    write(folder, "old")

    def fail(new):
        (new / "head.json").write_text("new")
        raise UsageError(f"cannot write {new / 'x.onnx'}: No space left on device")

    with (
        pytest.raises(UsageError) as caught,
        rewritten(folder, head="head.json", is_ours=is_ours) as new,
    ):
        fail(new)
    assert str(caught.value) == f"cannot write {folder / 'x.onnx'}: No space left on device"
    assert set(tree(folder).values()) == {"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_files_of_others_stay(tmp_path):
    write(tmp_path, "old", ("a/m.onnx", "b/only_old.onnx", "head.json"))
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "a" / "notes.txt").write_text("mine")
    write(tmp_path, "new")
    assert tree(tmp_path) == {
        "notes.txt": "mine",
        "a/notes.txt": "mine",
        "a/m.onnx": "new",
        "a/m.json": "new",
        "head.json": "new",
    }
    assert not (tmp_path / "b").exists()


def test_a_file_with_a_name_like_ours_is_not_removed_where_nothing_was_ours(tmp_path):
    (tmp_path / "package.json").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, "new")
    assert tree(tmp_path)["package.json"] == "mine"


def test_the_working_folder_stays_the_same_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    write(Path(), "new")
    assert tmp_path.stat().st_ino == before
    assert set(tree(tmp_path)) == {"a/m.onnx", "a/m.json", "head.json"}


def test_where_names_cannot_be_exchanged_the_result_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(swap, "_exchange", lambda new, folder: False)
    write(tmp_path / "run", "old", ("a/m.onnx", "b/only_old.onnx", "head.json"))
    write(tmp_path / "run", "new")
    assert tree(tmp_path) == dict.fromkeys(("run/a/m.onnx", "run/a/m.json", "run/head.json"), "new")


@pytest.mark.parametrize("n_steps", range(4))
def test_a_reader_ends_what_a_crash_interrupted(tmp_path, monkeypatch, n_steps):
    write(tmp_path, "old", ("a/m.onnx", "b/only_old.onnx", "head.json"))
    (tmp_path / "notes.txt").write_text("mine")
    with monkeypatch.context() as patch:
        killed_after(patch, n_steps)
        if n_steps < 3:
            with pytest.raises(_Killed):
                write(tmp_path, "new")
        else:
            write(tmp_path, "new")
    complete(tmp_path / "head.json")
    found = tree(tmp_path)
    assert found.pop("notes.txt") == "mine"
    assert found == dict.fromkeys(("a/m.onnx", "a/m.json", "head.json"), "new")


def test_a_model_and_its_card_change_together(tmp_path, monkeypatch):
    model, card = tmp_path / "m.onnx", tmp_path / "m.json"
    write_together({model: b"old", card: b"old"})
    with monkeypatch.context() as patch:
        killed_after(patch, 1)
        with pytest.raises(_Killed):
            write_together({model: b"new", card: b"new"})
    assert {model.read_text(), card.read_text()} == {"old", "new"}
    complete(model)
    assert tree(tmp_path) == {"m.onnx": "new", "m.json": "new"}


def test_a_change_that_cannot_be_ended_here_is_refused(tmp_path, monkeypatch):
    model, card = tmp_path / "m.onnx", tmp_path / "m.json"
    write_together({model: b"old", card: b"old"})
    with monkeypatch.context() as patch:
        killed_after(patch, 1)
        with pytest.raises(_Killed):
            write_together({model: b"new", card: b"new"})

    def refuse(self, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UsageError) as caught:
        complete(model)
    assert str(caught.value) == (
        f"{model}: a change of it was interrupted and cannot be ended here: Permission denied; "
        "read it once where its folder can be written"
    )


def test_a_full_disk_leaves_both_old_files(tmp_path):
    model, card = tmp_path / "m.onnx", tmp_path / "m.json"
    write_together({model: b"old", card: b"old"})
    program = (
        "import resource, signal; from pathlib import Path\n"
        "from tinyvmaf.swap import write_together\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        f"write_together({{Path({str(model)!r}): b'x' * 50, Path({str(card)!r}): b'x' * 200}})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, text=True
    )
    assert f"UsageError: cannot write {model}: File too large" in done.stderr
    assert tree(tmp_path) == {"m.onnx": "old", "m.json": "old"}


def test_two_writers_of_one_folder_do_not_meet(tmp_path):
    folder = tmp_path / "run"
    write(folder, "old")
    with rewritten(folder, head="head.json", is_ours=is_ours) as new:
        (new / "head.json").write_text("first")
        with pytest.raises(UsageError) as caught:
            write(folder, "second")
        assert str(caught.value) == (
            f"cannot write {folder}: another command is writing into it; wait for it, or choose "
            "another output with -o"
        )
    assert tree(folder) == {"head.json": "first"}
    write(folder, "second")


def test_what_killed_writers_left_goes_away(tmp_path):
    program = (
        "import os, signal; from pathlib import Path\n"
        "from tinyvmaf.swap import rewritten\n"
        f"with rewritten(Path({str(tmp_path / 'run')!r}), head='h', is_ours=bool) as new:\n"
        "    (new / 'half').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) == 2
    write(tmp_path / "run", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_folder_keeps_its_permissions(tmp_path):
    folder = tmp_path / "run"
    write(folder, "old")
    folder.chmod(0o2750)
    write(folder, "new")
    assert folder.stat().st_mode & 0o7777 == 0o2750


def test_a_link_to_a_run_stays_a_link(tmp_path):
    write(tmp_path / "first", "old")
    (tmp_path / "latest").symlink_to("first")
    write(tmp_path / "latest", "new")
    assert (tmp_path / "latest").is_symlink()
    assert set(tree(tmp_path / "first").values()) == {"new"}
    shutil.rmtree(tmp_path / "first")


_WRITES = """
import sys
import time
from pathlib import Path
from tinyvmaf.swap import rewritten, write_together
kind, folder, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
while True:
    number += 1
    word = f"{number} " * 500
    if kind == "together":
        write_together({folder / name: word.encode() for name in ("m.onnx", "m.json")})
        continue
    with rewritten(folder, head="h.json", is_ours=lambda path: path.suffix == ".json") as new:
        for name in ("a.json", "h.json", f"only{number % 2}.json"):
            (new / name).write_text(word)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alone", "beside files of others", "together"])
def test_kill_9_at_any_moment_leaves_one_state(tmp_path, kind):
    """Folders that are exchanged need no reader to end the change."""
    folder = tmp_path / "run"
    folder.mkdir()
    if kind != "alone":
        (folder / "notes.txt").write_text("mine")
    rng = random.Random(0)  # noqa: S311 (moments, no secrets)
    number = 0
    for _ in range(int(os.environ.get("TINYVMAF_KILLS", "25"))):
        command = [sys.executable, "-c", _WRITES, kind, str(folder), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0.001, 0.05))
            writer.kill()
        if kind != "alone":
            complete(folder / ("m.onnx" if kind == "together" else "h.json"))
        found = {name: word for name, word in tree(folder).items() if not name.startswith(".")}
        assert kind == "alone" or found.pop("notes.txt") == "mine"
        assert len(set(found.values())) <= 1
        assert len(found) in {0, 2 if kind == "together" else 3}
        words = next(iter(found.values()), "0 ").split()
        assert len(words) in {1, 500}
        assert int(words[0]) >= number
        number = int(words[0])
    assert number
