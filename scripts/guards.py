# SPDX-License-Identifier: Apache-2.0
"""Take out the guard against every fault, one at a time, and see its test fail.

    python scripts/guards.py [WORD ...]

Works on a copy of the checkout in a temporary folder. A line a guard: whether a test noticed that
it was gone, and what the test saw. With words, only guards whose fault has one of them. Some of the
tests end by their own time limit, so that all together take a quarter of an hour.
docs/results/faults.md has what it printed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_LIMIT_S: Final = 600


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard, how to take it out, and the test that must notice.

    Attributes:
        fault: What happens.
        file: Where the guard stands, below `src/tinyvmaf`.
        text: The guard, wherever it stands in the file.
        instead: What replaces it.
        test: Pytest's name of the test.
    """

    fault: str
    file: str
    text: str
    instead: str
    test: str


_FAULTS: Final = "tests/cli/test_faults.py::test_"
_CLUSTER: Final = "tests/execution/test_cluster.py::test_"
_ENDINGS: Final = "tests/cli/test_endings.py::test_"
_SWAP: Final = "tests/test_swap.py::test_"
_START: Final = "    watch_group(process.pid)\n"
_HEAD: Final = 'if head not in {magic + seal + b"\\n" for magic in (_MAGIC, _FIRST)}:'
_MAKE_ASIDE: Final = "        handle, aside = _make_aside(path.parent)"
_TEMPORARY: Final = (
    "        handle, name = tempfile.mkstemp(dir=folder, prefix=_OURS, suffix=_ASIDE)"
)
_ONE_NAME: Final = (
    '        same = folder / ".same.part"\n'
    "        return os.open(same, os.O_RDWR | os.O_CREAT), same"
)

GUARDS: Final = (
    Guard(
        "kill -9 of the command",
        "process/programs.py",
        _START,
        "",
        "tests/process/test_watchdog.py::test_programs_and_their_children_end_with_us_however_we_end",
    ),
    Guard(
        "kill -9 of the command: its scratch files",
        "files.py",
        '    for folder in place.glob(f"{_WORKING}*"):',
        "    for folder in ():",
        f"{_FAULTS}kill_9_of_the_command",
    ),
    Guard(
        "kill -9 of a worker: its programs",
        "process/programs.py",
        _START,
        "",
        f"{_CLUSTER}a_worker_that_is_killed_takes_its_programs_with_it",
    ),
    Guard(
        "kill -9 of every worker that takes a pair",
        "execution/cluster.py",
        "if isinstance(error, KilledWorker):",
        "if False:",
        f"{_CLUSTER}work_that_kills_every_worker_is_given_up_and_named",
    ),
    Guard(
        "kill -9 of the scheduler",
        "execution/cluster.py",
        "                self._lose(error)\n                return\n",
        "                return\n",
        f"{_CLUSTER}a_scheduler_that_dies_with_a_result_on_its_way_is_not_waited_for",
    ),
    Guard(
        "a pair that spoils the decode it shares",
        "features/groups.py",
        "            elif len(group) == 1:",
        "            elif group:",
        "tests/features/test_extraction.py::"
        "test_a_pair_that_spoils_a_decode_costs_the_others_nothing",
    ),
    Guard(
        "kill -9 of ffmpeg",
        "execution/executor.py",
        "_TRIES = 3",
        "_TRIES = 1",
        f"{_FAULTS}an_ffmpeg_that_is_killed_is_run_again",
    ),
    Guard(
        "a full disk: what was begun",
        "files.py",
        "        aside.unlink(missing_ok=True)\n",
        "",
        f"{_FAULTS}a_disk_that_is_full",
    ),
    Guard(
        "a full disk: one line",
        "files.py",
        "        raise cannot_write(path, error) from error\n    finally:",
        "        raise\n    finally:",
        f"{_FAULTS}a_disk_that_is_full",
    ),
    Guard(
        "a full disk: a log that was cut",
        "libvmaf/logs.py",
        '        if not line.endswith(",\\n") or line.count(",") != n_values:',
        "        if False:",
        "tests/libvmaf/test_logs.py",
    ),
    Guard(
        "a full disk: half a row in a manifest",
        "files.py",
        "                os.truncate(path, size)\n",
        "",
        "tests/test_files.py::test_a_line_that_does_not_fit_on_the_disk_is_taken_back",
    ),
    Guard(
        "a cache entry cut short, flipped or empty",
        "features/cache.py",
        _HEAD,
        'if not head.startswith(b"tinyvmaf.cache"):',
        f"{_FAULTS}every_way_in_which_a_cache_entry_can_be_wrong",
    ),
    Guard(
        "a cache entry of another version",
        "features/cache.py",
        _HEAD,
        'if head[len(_MAGIC) :] != seal + b"\\n":',
        f"{_FAULTS}every_way_in_which_a_cache_entry_can_be_wrong",
    ),
    Guard(
        "a clip that was changed",
        "features/cache.py",
        'if known["state"] == state:',
        "if True:",
        "tests/features/test_cache.py",
    ),
    Guard(
        "two commands at once: one temporary name",
        "files.py",
        _TEMPORARY,
        _ONE_NAME,
        "tests/test_files.py::test_two_writers_of_one_file_do_not_meet",
    ),
    Guard(
        "two commands at once: one takes the other's new file for a leftover",
        "files.py",
        "    os.close(handle)\n    return False\n",
        "    return True\n",
        "tests/test_files.py::test_a_new_file_that_is_taken_for_a_leftover_is_made_again",
    ),
    Guard(
        "kill -9 of a worker: what it was writing",
        "features/cache.py",
        "            remove_leftovers(inside)\n",
        "            pass\n",
        "tests/features/test_cache.py::"
        "test_a_writer_that_is_killed_leaves_nothing_after_the_next_command",
    ),
    Guard(
        "data on usage that ONNX Runtime sends",
        "models/runtime.py",
        '    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")\n',
        "",
        "tests/models/test_model.py::test_scoring_leaves_nothing_in_the_home",
    ),
    Guard(
        "a log that is not a log: its file",
        "libvmaf/pixels.py",
        "opened.enter_context(closing(_read(folder / file_name(name), name)))",
        "_read(folder / file_name(name), name)",
        "tests/libvmaf/test_pixels.py::test_what_is_no_log",
    ),
    Guard(
        "two commands at once: half a file",
        "files.py",
        _MAKE_ASIDE,
        "        handle, aside = os.open(path, os.O_RDWR | os.O_CREAT), path",
        "tests/test_files.py::test_nobody_sees_the_file_before_it_is_whole",
    ),
    Guard(
        "two commands at once: one run folder",
        "swap.py",
        "        _take(lock, folder)\n",
        "",
        f"{_SWAP}two_writers_of_one_folder_do_not_meet",
    ),
    Guard(
        "kill -9 between the files of a run",
        "swap.py",
        "not stays and _exchange(new, folder)",
        "False",
        f"{_SWAP}nobody_ever_sees_a_folder_between_two_states",
    ),
    Guard(
        "kill -9 between the files of a run in a store",
        "stored_folder.py",
        "            found |= {Path(name): path / change.aside / name for name in change.files}\n",
        "",
        "tests/test_stored_folder.py::test_killed_after_any_step_it_leaves_one_state",
    ),
    Guard(
        "a run in a store that changes while it is read",
        "stored_folder.py",
        "            if _stored(path) == before:\n                return\n",
        "            return\n",
        "tests/test_stored_folder.py::test_a_reader_who_meets_a_change_reads_again",
    ),
    Guard(
        "kill -9 between a model and its card",
        "models/model.py",
        "    complete(path)\n",
        "",
        "tests/models/test_export.py::"
        "test_a_model_whose_change_was_interrupted_is_the_new_one_for_its_reader",
    ),
    Guard(
        "kill -9 of a command: what it wrote aside",
        "files.py",
        "    sweep_leftovers(parent)\n",
        "",
        f"{_SWAP}what_killed_writers_left_goes_away",
    ),
    Guard(
        "a full disk: a model beside the card of another",
        "models/export.py",
        '    write_together({path: data, path.with_suffix(".json"): card.to_json().encode()})',
        "    path.parent.mkdir(exist_ok=True)\n    path.write_bytes(data)\n"
        '    path.with_suffix(".json").write_text(card.to_json())',
        "tests/models/test_export.py::test_a_full_disk_leaves_the_model_and_its_card",
    ),
    Guard(
        "one reference under two names: seen before any work",
        "features/extraction.py",
        "    refuse_twins(corpus.sources, references=known)\n",
        "",
        "tests/features/test_extraction.py::test_one_reference_under_two_names_is_no_table[True]",
    ),
    Guard(
        "one reference under two names: in a store",
        "features/extraction.py",
        "    refuse_twins(known, references=known)\n",
        "",
        "tests/features/test_extraction.py::test_one_reference_under_two_names_is_no_table[False]",
    ),
    Guard(
        "one reference under two names: in a table",
        "evaluation/loso.py",
        "    refuse_twins(table.sources, references=table.info.references)\n",
        "",
        "tests/evaluation/test_loso.py::test_one_content_under_two_names_is_never_held_out",
    ),
    Guard(
        "an address in a list on this machine",
        "storage.py",
        "    if _store(text) == _store(str(folder)) is not None:",
        "    if True:",
        "tests/corpus/test_manifest.py::test_a_list_on_this_machine_names_no_store",
    ),
    Guard(
        "a name that fakes a result line",
        "text.py",
        '    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in found)',
        "    return found",
        "tests/cli/test_hostile_names.py::test_score",
    ),
    Guard(
        "a name that ends a chart's process or runs in it",
        "text.py",
        "    if isinstance(value, dict):\n",
        "    if isinstance(value, int):\n",
        "tests/cli/test_hostile_names.py::test_score",
    ),
    Guard(
        "a name that is markup for a page",
        "text.py",
        '    for mark in "<>&":',
        '    for mark in "":',
        "tests/report/test_html.py::test_the_data_in_the_page_is_the_charts",
    ),
    Guard(
        "a machine elsewhere that asks our own cluster",
        "execution/cluster.py",
        'dashboard_address=f"{_LOOPBACK}:0"',
        'dashboard_address=":0"',
        f"{_CLUSTER}a_cluster_of_our_own_listens_to_this_machine_alone",
    ),
    Guard(
        "a worker that is killed while it starts",
        "execution/cluster.py",
        "            except (RuntimeError, OSError, TimeoutError) as error:",
        "            except KeyError as error:",
        f"{_ENDINGS}a_worker_that_is_killed_while_it_starts",
    ),
    Guard(
        "a store that never answers",
        "storage.py",
        '        return {"config_kwargs": {**limits, "retries": {"total_max_attempts": _TRIES}}}',
        "        return {}",
        f"{_ENDINGS}a_store_that_never_answers_is_given_up",
    ),
    Guard(
        "a bucket that is not there",
        "storage.py",
        '        if done == "read":\n            raise\n',
        "        raise\n",
        f"{_ENDINGS}a_bucket_that_is_not_there",
    ),
    Guard(
        "a full disk behind stdout",
        "cli/console.py",
        '        raise UsageError(f"cannot write to stdout: {error.strerror}") from error',
        "        raise",
        f"{_ENDINGS}a_full_disk_behind_stdout",
    ),
    Guard(
        "stderr that takes nothing",
        "cli/console.py",
        "        with suppress(OSError):\n            self.console",
        "        with suppress(KeyError):\n            self.console",
        f"{_ENDINGS}stderr_that_takes_nothing_changes_no_result",
    ),
    Guard(
        "a terminal of few characters",
        "cli/console.py",
        "            stream.reconfigure(errors=_SIGNS)",
        "            pass",
        f"{_ENDINGS}a_terminal_of_few_characters",
    ),
    Guard(
        "a clock that jumps",
        "process/programs.py",
        "time.monotonic()",
        "time.time()",
        f"{_FAULTS}a_clock_that_jumps",
    ),
    Guard(
        "an environment that changes while a program starts",
        "process/programs.py",
        "            env=environment(),\n",
        "",
        "tests/process/test_environment.py::test_programs_get_a_copy_that_nobody_changes",
    ),
    Guard(
        "an ffmpeg that is found only at the second look",
        "media/ffmpeg.py",
        "            if (found := shutil.which(str(path))) is not None:",
        "            import imageio_ffmpeg\n\n"
        "            if (found := imageio_ffmpeg.get_ffmpeg_exe()) is not None:",
        "tests/media/test_ffmpeg.py::test_the_wheel_s_binary_is_found_without_asking_the_package",
    ),
    Guard(
        "thousands of sampled frames",
        "libvmaf/neighbours.py",
        "    if len(runs) == 1:\n",
        '    if len(runs) > 1:\n        return "+".join(run[1] for run in runs)\n'
        "    if len(runs) == 1:\n",
        "tests/libvmaf/test_scattered.py::test_two_thousand_sampled_frames",
    ),
    Guard(
        "thousands of sampled frames: a long argument",
        "libvmaf/engine.py",
        "    if len(words[place + 1]) > _LONGEST_ARGUMENT:",
        "    if False:",
        "tests/libvmaf/test_scattered.py::test_two_thousand_sampled_frames",
    ),
    Guard(
        "colour tags on one side",
        "libvmaf/graph.py",
        "[stated(side.info.levels), *_kept(stretches",
        "[*_kept(stretches",
        "tests/libvmaf/test_colours.py::test_the_score_is_that_of_the_decoded_planes",
    ),
    Guard(
        "two matrices",
        "pairs/check.py",
        "    if ours is not None and theirs is not None and ours != theirs",
        "    if False",
        "tests/libvmaf/test_colours.py::test_two_matrices_that_are_tagged_and_differ_are_a_finding",
    ),
    Guard(
        "raw video in a wrong geometry",
        "pairs/check.py",
        "better_geometry(side.video.path, raw) if raw is not None else None",
        "None",
        "tests/pairs/test_raw_geometry.py::"
        "test_a_pair_of_swapped_sides_is_refused_and_scored_when_that_is_accepted",
    ),
    Guard(
        "raw video in a wrong geometry: sizes that contradict Netflix's layout",
        "corpus/reading.py",
        "    if assumed:",
        "    if False:",
        "tests/corpus/test_netflix.py::"
        "test_sizes_that_are_no_frames_of_1080p_make_no_pair_unless_a_geometry_is_said",
    ),
    Guard(
        "pictures of other times",
        "pairs/proof.py",
        "    findings = [*_frozen(pair, still), *_judge(pair, sight, evidence)]",
        "    findings = list[Finding]()",
        "tests/pairs/test_check.py::test_a_shift_by_one_frame_is_refused",
    ),
    Guard(
        "a matching by pictures that is a guess",
        "pairs/picture_matching.py",
        "    if not is_located(",
        "    if False and not is_located(",
        "tests/pairs/test_locating.py::test_a_matching_that_is_a_guess_is_none",
    ),
    Guard(
        "a conversion that ffmpeg inserts",
        "libvmaf/graph.py",
        'OWN_FILTERS_ONLY = ("-noauto_conversion_filters",)',
        "OWN_FILTERS_ONLY = ()",
        "tests/libvmaf/test_colours.py::test_a_graph_that_would_need_a_conversion_fails",
    ),
    Guard(
        "a turn that ffmpeg inserts",
        "libvmaf/graph.py",
        '"-noautorotate", ',
        "",
        "tests/libvmaf/test_colours.py::test_ffmpeg_reports_no_filter_that_we_did_not_write",
    ),
    Guard(
        "a damaged video",
        "libvmaf/engine.py",
        "            if not self.allow_damaged:",
        "            if False:",
        "tests/libvmaf/test_condition.py::test_a_damaged_video_is_refused_by_name_and_time",
    ),
    Guard(
        "a damaged video: whose decoder only complains",
        "media/diagnostics.py",
        "(stream.damage if sure else stream.doubts).append(text)",
        "(stream.damage if False else []).append(text)",
        "tests/libvmaf/test_condition.py::"
        "test_damage_is_noticed_and_placed_and_a_whole_file_is_not_accused",
    ),
    Guard(
        "a cut that is called damaged",
        "libvmaf/condition.py",
        "    return n_frames > 0 or not is_about_missing_pictures(words)",
        "    return True",
        "tests/libvmaf/test_condition.py::test_ordinary_cuts_are_not_called_damaged",
    ),
    Guard(
        "concealment by several threads",
        "scoring/scorer.py",
        "        threads = 1 if damaged else self.threads",
        "        threads = self.threads",
        "tests/libvmaf/test_condition.py::test_a_damaged_video_is_refused_by_name_and_time",
    ),
    Guard(
        "a temporary folder that is full",
        "libvmaf/condition.py",
        "        probe.write_bytes(b",
        "        (lambda _: None)(b",
        "tests/libvmaf/test_condition.py::test_a_folder_without_room_is_named",
    ),
    Guard(
        "pictures that crash libvmaf",
        "libvmaf/condition.py",
        "        if min(pair.size) < SMALLEST:",
        "        if False:",
        "tests/libvmaf/test_condition.py::test_pictures_with_which_libvmaf_crashes_are_refused",
    ),
    Guard(
        "a file whose name is a pattern",
        "media/video.py",
        "        if self.path.suffix.lower() in _PICTURES and set(self.address) & _OF_PATTERNS:",
        "        if False:",
        "tests/media/test_sequence.py::test_the_name_of_a_file_is_no_pattern",
    ),
    Guard(
        "a picture of a sequence that was changed",
        "features/cached_scores.py",
        "[hashed(picture) for picture in video.files]",
        "[hashed(picture) for picture in video.files[:1]]",
        "tests/features/test_sequences.py::test_every_picture_of_a_sequence_is_in_the_key",
    ),
    Guard(
        "a picture of a sequence that is missing",
        "media/sequence.py",
        "    if numbers[-1] - first + 1 != n_pictures:",
        "    if False:",
        "tests/media/test_sequence.py::test_a_sequence_begins_where_its_numbers_do_and_has_no_gap",
    ),
    Guard(
        "a clip that makes ffmpeg hang",
        "process/programs.py",
        "if time.monotonic() - self._last > limit_s:",
        "if False:",
        f"{_FAULTS}a_clip_that_hangs_is_given_up_however_much_ffmpeg_talks[local]",
    ),
    Guard(
        "an ffmpeg that hangs and talks",
        "media/ffmpeg.py",
        '        if not line.startswith("frame=") or line == newest:',
        "        if False:",
        f"{_FAULTS}a_clip_that_hangs_is_given_up_however_much_ffmpeg_talks[local]",
    ),
    Guard(
        "an encoder that hangs",
        "corpus/encode.py",
        "                stall_s=stall_s,\n",
        "",
        f"{_FAULTS}an_encoder_that_hangs_is_given_up",
    ),
    Guard(
        "a pipe in the place of a clip",
        "media/containers.py",
        "    if not path.is_file():\n        # Opening",
        "    if False:\n        # Opening",
        f"{_FAULTS}a_pipe_that_nobody_writes_into_is_refused_at_once",
    ),
    Guard(
        "Ctrl-C",
        "execution/executor.py",
        "                self.stop()\n",
        "                pass\n",
        "tests/cli/test_interruption.py::"
        "test_a_signal_ends_every_ffmpeg_and_leaves_nothing_half_written",
    ),
    Guard(
        "Ctrl-C, unheard since Polars resumes waits",
        "execution/executor.py",
        "    signal.siginterrupt(signal.SIGINT, True)",
        "    pass",
        "tests/execution/test_executor.py::"
        "test_an_interrupt_is_heard_at_once_by_who_waits_and_has_used_polars",
    ),
    Guard(
        "Ctrl-C, again and again",
        "cli/app.py",
        "        signal.signal(other, signal.SIG_IGN)\n",
        "        pass\n",
        "tests/cli/test_interruption.py::"
        "test_a_second_impatient_signal_does_not_leave_ffmpeg_behind",
    ),
    Guard(
        "a corrupt table",
        "features/table.py",
        "reason := damage(path)",
        "reason := None",
        f"{_FAULTS}a_corrupt_table_is_refused_and_made_again",
    ),
    Guard(
        "a table of another program that crashes Polars",
        "parquet.py",
        "ask(_read, path)",
        "_read(path)",
        "tests/test_parquet.py::"
        "test_a_file_that_crashes_its_reader_is_found_out_by_another_process",
    ),
    Guard(
        "a worker of another version",
        "execution/worker.py",
        "if version() != order.version:",
        "if False:",
        f"{_CLUSTER}a_worker_of_another_version_is_refused",
    ),
)


def main() -> None:
    """Print a line for every guard that is asked for."""
    words = sys.argv[1:]
    survived = False
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch)
        for name in ("src", "tests"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", copy)
        for guard in GUARDS:
            if words and not any(word in guard.fault for word in words):
                continue
            seen = _without(guard, copy)
            survived |= seen is None
            print(f"{guard.fault}: {seen or 'NOBODY NOTICED'}", flush=True)
    sys.exit(1 if survived else 0)


def _without(guard: Guard, copy: Path) -> str | None:
    """What the test says when the guard is gone, None if it passes all the same."""
    path = copy / "src" / "tinyvmaf" / guard.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(guard.text, guard.instead), encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", guard.test],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy / "src")},
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return f"the test did not end within {_LIMIT_S} s"
    finally:
        path.write_text(whole, encoding="utf-8")
    if done.returncode == 0:
        return None
    told = [line for line in done.stdout.splitlines() if line.startswith("E  ")]
    return (told or done.stdout.splitlines() or [done.stderr])[0].removeprefix("E").strip()[:200]


if __name__ == "__main__":
    main()
