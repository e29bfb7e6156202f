# SPDX-License-Identifier: Apache-2.0
"""`kill -9` at random moments of every verb that writes: its target holds the old state or the new.

Every target exists before: it was written with one setting, and the command that is killed writes
it with another. One half of the kills comes at a moment drawn uniformly from the command's
duration, the other when its last file has been begun, within some thousandths of a second. Then
every file of the target is held against both states. A target where a crash came between two files
counts as completed if the next reader finds the new state.

Prints a line a verb. Run: `python benchmarks/kills.py [--kills 216] [--seed 0] [-o RESULT.json]`;
half an hour on two cores. Exit status 1 if a target ever held a mixture, or if a later command left
anything behind.
"""

import argparse
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.sample import installed_clips, sample_path
from tinyvmaf.features.table import make_table, read_table, write_table
from tinyvmaf.media.ffmpeg import find_ffmpeg, run_ffmpeg
from tinyvmaf.swap import complete

LONGEST_S = 300
# What differs between two calls with the same settings: how long they took.
_TIMES = re.compile(r"\d[\d.,]*\s?(s|ms|min|fps|seconds)\b")
_OTHER = frozenset({"seconds", "date", "fps"})


@dataclass(frozen=True)
class Scenario:
    """A verb that writes.

    Attributes:
        name: For people.
        calls: The words of the call, for the first setting and for the second.
        target: The folder whose state is looked at.
        last: Pattern, below `target`'s parent, of the last file that the verb begins.
        reads: The file that a reader of the target completes, None if nothing is to complete.
        grows: Whether what is finished is kept, piece by piece.
        share: Of the kills, against the others.
    """

    name: str
    calls: tuple[tuple[str, ...], tuple[str, ...]]
    target: Path
    last: str
    reads: str | None = None
    grows: bool = False
    share: int = 2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=216)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--only", help="scenarios with this word in their name")
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)  # noqa: S311 (moments, no secrets)
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        os.environ["TINYVMAF_CACHE"] = f"{name}/cache"
        # The same programs are compiled again and again.
        os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{name}/jax"
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        scenarios = [
            item for item in prepare(Path(name)) if not chosen.only or chosen.only in item.name
        ]
        results, shares, done = {}, sum(item.share for item in scenarios), 0
        for scenario in scenarios:
            n_kills = round(chosen.kills * (done + scenario.share) / shares)
            n_kills -= round(chosen.kills * done / shares)
            done += scenario.share
            results[scenario.name] = found = dict(sorted(judge(scenario, n_kills, rng).items()))
            print(f"{scenario.name}: {', '.join(f'{n} {what}' for what, n in found.items())}")
            sys.stdout.flush()
            total = sum((Counter(found) for found in results.values()), Counter())
            record = {"seed": chosen.seed, "verbs": results, "all": dict(total)}
            if chosen.output is not None:
                chosen.output.write_text(json.dumps(record, indent=1) + "\n")
    print(f"all: {', '.join(f'{n} {what}' for what, n in sorted(total.items()))}")
    sys.exit(1 if total["mixture"] or total["left behind"] else 0)


def prepare(place):
    """What the verbs need, and the verbs."""
    table = read_table(sample_path())
    rows = table.rows.filter(table.rows["source"].is_in(table.sources[:4]))
    small = place / "table.parquet"
    write_table(make_table(rows.gather_every(40), table.info), small)
    corpus = place / "corpus"
    reference, clips = make_pairs(corpus)
    ladders = [place / f"ladder{crf}.toml" for crf in (30, 40)]
    for path in ladders:
        crf = path.stem.removeprefix("ladder")
        path.write_text(f'[[rung]]\nencoder = "libx264"\nheights = [1]\ncrf = [{crf}]\n')
    parts = [place / "in_parts" / word for word in ("a", "b")]
    for path, root in zip(parts, (corpus, corpus / "half.csv"), strict=True):
        run("extract", root, "-o", path)

    def both(*words, option, values):
        return tuple((*map(str, words), option, str(value)) for value in values)

    def inside(name):
        (place / name).mkdir()
        return place / name

    loso = ("loso", small, "--model-arch", "linear", "-o")
    alone, mixed = inside("alone"), inside("mixed")
    (mixed / "run").mkdir()
    (mixed / "run" / "notes.txt").write_text("a file of the user's")
    model, one, many, built, scored, compact, again = map(
        inside, ("model", "one", "many", "built", "scored", "compact", "again")
    )
    page = "new/loso_linear_eval.html"
    epochs = {"option": "--epochs", "values": (1, 2)}
    run(*loso, again / "run", "--epochs", 1)
    yield Scenario(
        "report",
        (("report", str(again / "run")),) * 2,
        again / "run",
        f".tinyvmaf-*.part/{page}",
    )
    yield Scenario(
        "train",
        both("train", small, "-o", model / "m.onnx", **epochs),
        model,
        "model/.tinyvmaf-*.part/new/m.json",
        reads="m.onnx",
    )
    yield Scenario(
        "extract, one file",
        both("extract", corpus, "-o", one / "t.parquet", option="--features",
             values=("canonical6", "canonical6,signal")),
        one,
        "one/.tinyvmaf-*.part",
    )  # fmt: skip
    yield Scenario(
        "extract, in parts",
        both("extract", corpus, "-o", many / "t", option="--features",
             values=("canonical6", "canonical6,signal")),
        many / "t",
        ".tinyvmaf-*.part/new/index.json",
    )  # fmt: skip
    yield Scenario(
        "corpus build",
        both("corpus", "build", reference, "-o", built, option="--ladder", values=ladders),
        built,
        "built/dis/.tinyvmaf-*.part",
        grows=True,
    )
    yield Scenario(
        "score --log",
        both("score", reference, clips[0], "--log", scored / "log.json", option="--threads",
             values=(1, 2)),
        scored,
        "scored/.tinyvmaf-*.part",
    )  # fmt: skip
    yield Scenario(
        "table compact",
        tuple(("table", "compact", str(path), "-o", str(compact / "t.parquet")) for path in parts),
        compact,
        "compact/.tinyvmaf-*.part",
    )

    yield Scenario(
        "loso",
        both(*loso, alone / "run", **epochs),
        alone / "run",
        f".tinyvmaf-*.part/{page}",
        share=1,
    )
    yield Scenario(
        "loso, beside files of others",
        both(*loso, mixed / "run", **epochs),
        mixed / "run",
        f"run/.tinyvmaf-*.part/{page}",
        reads="run.json",
        share=1,
    )


def make_pairs(corpus):
    """A corpus of three clips; its reference, and the clips."""
    ffmpeg = find_ffmpeg()
    corpus.mkdir()
    pristine = next(path for path in installed_clips() if path.stem == "bikes")
    reference = corpus / "bikes.mkv"
    cut = ["-i", str(pristine), "-frames:v", "12", "-an", "-c:v", "ffv1", str(reference)]
    run_ffmpeg(ffmpeg.path, cut)
    clips = [corpus / f"crf{crf}.mp4" for crf in (25, 35, 45)]
    for clip in clips:
        encode = ["-c:v", "libx264", "-crf", clip.stem[3:], "-preset", "ultrafast", str(clip)]
        run_ffmpeg(ffmpeg.path, ["-i", str(reference), *encode])
    lines = [f"bikes,{reference.name},{clip.name}" for clip in clips]
    for name, n_lines in (("corpus.csv", 3), ("half.csv", 2)):
        header = "source,reference,distorted"
        (corpus / name).write_text("\n".join([header, *lines[:n_lines]]) + "\n")
    return reference, clips


def judge(scenario, n_kills, rng):
    """How often the target was in which state after a kill."""
    states, seconds = [], []
    for call in scenario.calls:
        started = time.monotonic()
        run(*call)
        seconds.append(time.monotonic() - started)
        states.append(state(scenario.target))
    # What takes long is done once and cached: the second time tells the duration of what is killed.
    run(*scenario.calls[0])
    found = Counter()
    if state(scenario.target) != states[0] and not scenario.grows:
        raise SystemExit(f"{scenario.name}: twice the same call, two states")
    before = states[0]
    for number in range(n_kills):
        call = scenario.calls[1] if before == states[0] else scenario.calls[0]
        kill(scenario, call, rng, seconds=min(seconds), late=number % 2 == 1)
        what, before = after(scenario, states, before)
        found[what] += 1
        if before is None:
            print(f"{scenario.name}: kill {number}: a mixture in {scenario.target}", flush=True)
            run(*scenario.calls[0])
            before = state(scenario.target)
    run(*scenario.calls[0])
    left = [
        path
        for path in scenario.target.parent.rglob("*")
        if path.name.startswith(".tinyvmaf-") or path.suffix == ".ready"
    ]
    found["left behind"] += len(left)
    return +found


def after(scenario, states, before):
    """The state in words, and itself; None if it is a mixture."""
    now = state(scenario.target)
    if now == before:
        return "old state", now
    if now in states:
        return "new state", now
    if scenario.grows and all(is_whole(name, now[name], states) for name in now):
        return "part of the new state, every clip whole", now
    if scenario.reads is not None:
        complete(scenario.target / scenario.reads)
        now = state(scenario.target)
        if now in states and now != before:
            return "new state, completed by the next reader", now
    unlike = [
        name
        for name in sorted({*now, *states[0], *states[1]})
        if now.get(name) not in [known.get(name) for known in states]
    ]
    print(f"{scenario.name}: files of neither state: {unlike}; {sorted(now)}", flush=True)
    return "mixture", None


def is_whole(name, found, states):
    """Whether a file that is kept as it is finished is one that a finished command has."""
    return name == "corpus.csv" or found in [known.get(name) for known in states]


def kill(scenario, call, rng, *, seconds, late):
    process = start(*call)
    if late:
        until = time.monotonic() + LONGEST_S
        while process.poll() is None and time.monotonic() < until:
            if next(scenario.target.parent.glob(scenario.last), None) is not None:
                time.sleep(rng.expovariate(1 / 0.005))
                break
            time.sleep(0.0005)
    else:
        time.sleep(rng.uniform(0, 1.1 * seconds))
    process.send_signal(signal.SIGKILL)
    process.wait()


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "tinyvmaf", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def run(*words):
    """Run a verb to its end."""
    command = [sys.executable, "-m", "tinyvmaf", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_S)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")


def state(folder):
    """Every file of the folder with a hash of its content, but for how long things took."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        aside = [part for part in name.parts if part.startswith(".") and part.endswith(".part")]
        # Two drawings of one chart as PDF differ in some bytes.
        if aside or not path.is_file() or path.suffix == ".pdf":
            continue
        found[str(name)] = hashlib.sha256(content(path)).hexdigest()
    return found


def content(path):
    data = path.read_bytes()
    if path.suffix == ".json":
        return json.dumps(timeless(json.loads(data))).encode()
    if path.suffix in {".md", ".html"}:
        return _TIMES.sub("", data.decode()).encode()
    return data


def timeless(value):
    if isinstance(value, dict):
        return {name: timeless(item) for name, item in value.items() if name not in _OTHER}
    return [timeless(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
