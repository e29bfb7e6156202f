# SPDX-License-Identifier: Apache-2.0
"""Will a pair be scored, and is the number true? Ordinary encodes and spoilt pairs of real sources.

    python benchmarks/pairs.py sources/clips sources/hold_out --work FOLDER

Each pair is made by plain ffmpeg commands (`pair_ways`), and its truth is libvmaf's score of the
decoded luma planes, matched by how the pair was made and converted here in NumPy. `tinyvmaf score`
is asked as a user would ask it; what its refusals offer is followed. Finished pairs are kept in
FOLDER/found.jsonl, so that a stopped run goes on. Writes docs/results/pairs.json, and the table of
docs/results/pairs.md from it.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from pair_ways import FFMPEG, ORDINARY, SPOILT, WAYS, Source

TOLERANCE = 0.05
REFUSED = 2
WIDTH, FRAMES = 384, 60
FOLLOWED = 4
ROUNDS = 8
RESULT = Path("docs/results/pairs.json")
PAGE = Path("docs/results/pairs.md")
BEGIN, END = "<!-- made by benchmarks/pairs.py -->", "<!-- end -->"
SOURCES = (
    *("BigBuckBunny", "Bikes", "Bricks", "Carphone", "City", "ClockAndCat", "Cup", "DinnerScene"),
    *("Earth", "Interview", "Llama", "Opossum", "Pedestrians", "RocketLaunch", "SmilingWoman"),
    "TeaBox",
)
HINTS = (
    (r"--crop (?:distorted:)?\d+:\d+:\d+:\d+", None),
    (r"--reference-start [\d.]+", None),
    (r"--sync\b", None),
    (r"--allow (?:frame-rate|frame-count|color-range|frozen)", None),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", help="regular expression: ways")
    parser.add_argument("--source", help="regular expression: sources")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="forget what was found of these")
    parser.add_argument("--keep", action="store_true", help="leave the files of the pairs there")
    chosen = parser.parse_args()
    kept = chosen.work / "found.jsonl"
    chosen.work.mkdir(parents=True, exist_ok=True)
    known = read(kept)
    paths = {path.stem: path for folder in chosen.folders for path in sorted(folder.glob("*.mkv"))}
    names = [name for name in SOURCES if name in paths and wanted(chosen.source, name)]
    ways = [name for name in WAYS if wanted(chosen.only, name)]
    if chosen.fresh:
        known = {
            key: found for key, found in known.items() if key[0] not in names or key[1] not in ways
        }
    # Round by round, so that a run that is stopped has seen every way on some sources, and every
    # source in some ways.
    jobs = []
    for turn in range(ROUNDS):
        for name in names:
            place = SOURCES.index(name)
            other = paths[SOURCES[(place + 5) % len(SOURCES)]]
            left = [
                item
                for number, item in enumerate(ways)
                if (number + place) % ROUNDS == turn and (name, item) not in known
            ]
            jobs += [(paths[name], other, chosen.work / name, left, chosen.keep)] if left else []
    with ProcessPoolExecutor(chosen.jobs) as pool:
        for batch in pool.map(of_source, jobs):
            known |= {(found["source"], found["way"]): found for found in batch}
    found = [item for item in known.values() if item["way"] in WAYS]
    found = [item for item in found if wanted(chosen.only, item["way"]) and item["source"] in names]
    print(table(found))
    for item in found:
        if not good(item):
            print(item["source"], "|", item["way"], "|", item["truth"], "|", item["tries"])
    if not chosen.only and not chosen.source:
        RESULT.write_text(json.dumps(record(found), indent=1) + "\n", encoding="utf-8")
        fill(PAGE, table(found))


def wanted(expression, name):
    return not expression or re.search(expression, name) is not None


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return {(item["source"], item["way"]): item for item in found}


def of_source(job):
    path, other, folder, ways, keep = job
    source = Source(path, folder, n_frames=FRAMES, width=WIDTH, other=other)
    found = []
    for name in ways:
        kind, make = WAYS[name]
        source.folder = folder / re.sub(r"\W+", "_", name)
        source.folder.mkdir(exist_ok=True)
        started = time.perf_counter()
        case = make(source)
        made = time.perf_counter() - started
        true = truth(case) if case.frames is not None else None
        tries = follow(case)
        item = {
            "source": path.stem,
            "way": name,
            "kind": kind,
            "truth": true,
            "tries": tries,
            "made_s": made,
        }
        found.append(item)
        # One short line, so that processes beside each other do not mix theirs.
        with (folder.parent / "found.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(item) + "\n")
        print("." if good(item) else "X", end="", file=sys.stderr, flush=True)
        if not keep:
            shutil.rmtree(source.folder)
    return found


def follow(case):
    """Ask as a user does: first without a word, then with what the refusal offers."""
    tries = [ask(case, ())]
    words = ()
    while tries[-1]["status"] != 0 and len(tries) < FOLLOWED:
        offered = (
            match
            for pattern, _ in HINTS
            for match in re.findall(pattern, tries[-1]["words"])
            if not set(match.split()) <= set(words) or match.split()[-1] not in words
        )
        hint = next(offered, None)
        if hint is None:
            break
        words = (*words, *hint.split())
        tries.append(ask(case, words))
    return tries


def ask(case, words):
    command = [str(case.reference), str(case.distorted), "--mode", "exact", "--json"]
    started = time.process_time()
    status, out, err = call(["score", *command, *case.options, *words])
    found = {"asked": " ".join(words), "status": status, "seconds": time.process_time() - started}
    if status == 0:
        answer = json.loads(out)
        return {**found, "vmaf": answer["vmaf"]["mean"], "words": "; ".join(answer["notes"])}
    return {**found, "words": err.strip().splitlines()[-1] if err.strip() else ""}


def call(arguments):
    """The command, in this process: starting Python takes longer than most of these pairs."""
    import contextlib
    import io

    from tinyvmaf.cli.app import app
    from tinyvmaf.cli.console import with_options
    from tinyvmaf.errors import TinyVmafError

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = app(arguments, standalone_mode=False)
        except TinyVmafError as error:
            return error.exit_status, out.getvalue(), with_options(str(error))
        except Exception as error:  # noqa: BLE001 (a bug, which the table shows)
            return 1, out.getvalue(), f"internal error: {error!r}"
    return status or 0, out.getvalue(), err.getvalue()


def truth(case):
    """Libvmaf's mean over the decoded luma planes of the frames that belong together."""
    ours, theirs = (
        levels(plane(path, chain, case), full=full)
        for path, chain, full in zip(
            (case.reference, case.distorted), case.filters, case.full, strict=True
        )
    )
    depth = max(ours[1], theirs[1])
    planes = [
        values[frames] << (depth - bits)
        for (values, bits), frames in zip((ours, theirs), case.frames, strict=True)
    ]
    folder = case.distorted.parent
    names = [folder / "truth_reference.yuv", folder / "truth_distorted.yuv"]
    kind = np.uint8 if depth == 8 else np.dtype("<u2")
    for path, values in zip(names, planes, strict=True):
        grey = np.full((len(values), values[0].size // 2), 1 << (depth - 1), kind)
        flat = values.reshape(len(values), -1).astype(kind)
        np.concatenate([flat, grey], axis=1).tofile(path)
    height, width = planes[0].shape[1:]
    pix_fmt = "yuv420p" if depth == 8 else f"yuv420p{depth}le"
    raw = ["-f", "rawvideo", "-pix_fmt", pix_fmt, "-s", f"{width}x{height}"]
    log = folder / "truth.json"
    graph = f"libvmaf=log_fmt=json:log_path={log}:shortest=1:repeatlast=0"
    inputs = [*raw, "-i", names[1], *raw, "-i", names[0]]
    command = [FFMPEG, "-loglevel", "error", *inputs, "-lavfi", graph, "-f", "null", "-"]
    subprocess.run([str(word) for word in command], check=True)
    for path in names:
        path.unlink()
    frames = json.loads(log.read_text())["frames"]
    assert len(frames) == len(planes[0])
    return float(np.mean([frame["metrics"]["vmaf"] for frame in frames]))


def plane(path, chain, case):
    """Luma of every shown frame, and its depth in bits."""
    head = [str(FFMPEG), "-loglevel", "error", "-nostdin"]
    source = ["-i", str(path)]
    if path.suffix == ".yuv":
        options = dict(zip(case.options[::2], case.options[1::2], strict=True))
        source = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", options["--size"], *source]
    info = subprocess.run([*head[:1], *source], capture_output=True, text=True, check=False).stderr
    line = next(item for item in info.splitlines() if "Video:" in item and "attached" not in item)
    pix_fmt = re.search(r"Video: [^,]*, (\w+)", line)[1]
    bits = 12 if "12le" in pix_fmt else 10 if "10le" in pix_fmt else 8
    if chain == "bt709":
        rgb = decoded([*head, *source, "-vf", "format=gbrp"], "gbrp", 8)
        green, blue, red = (part.astype(np.float64) for part in rgb)
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return np.rint(luma * 219 / 255 + 16).astype(np.uint16), 8
    grey = "gray" if bits == 8 else f"gray{bits}le"
    (values,) = decoded(
        [*head, *source, "-vf", f"{chain},format={pix_fmt},extractplanes=y"], grey, bits
    )
    return values, bits


def decoded(command, pix_fmt, bits):
    n_planes = 3 if pix_fmt == "gbrp" else 1
    tail = ["-map", "0:V:0", "-fps_mode", "passthrough", "-pix_fmt", pix_fmt, "-f", "yuv4mpegpipe"]
    if n_planes == 3:
        tail = [*tail[:-1], "rawvideo"]
        probe = subprocess.run(
            [*command, *tail[:-2], "-f", "rawvideo", "-"], capture_output=True, check=True
        )
        head = subprocess.run(
            [
                *command[:-1],
                "format=gray",
                "-frames:v",
                "1",
                "-strict",
                "-1",
                "-f",
                "yuv4mpegpipe",
                "-",
            ],
            capture_output=True,
            check=True,
        ).stdout
        width, height = dimensions(head)
        values = np.frombuffer(probe.stdout, np.uint8).reshape(-1, 3, height, width)
        return [values[:, part] for part in range(3)]
    out = subprocess.run(
        [*command, *tail, "-strict", "-1", "-"], capture_output=True, check=True
    ).stdout
    width, height = dimensions(out)
    start = out.index(b"\n") + 1
    step = 6 + width * height * (1 if bits == 8 else 2)
    frames = np.frombuffer(out, np.uint8)[start:].reshape(-1, step)[:, 6:]
    kind = np.uint8 if bits == 8 else np.dtype("<u2")
    values = np.ascontiguousarray(frames).view(kind).astype(np.uint16)
    return [values.reshape(len(values), height, width)]


def dimensions(y4m):
    words = y4m[: y4m.index(b"\n")].split()
    return int(words[1][1:]), int(words[2][1:])


def levels(found, *, full):
    """Full-range luma brought to limited range."""
    values, bits = found
    if not full:
        return values, bits
    step = 1 << (bits - 8)
    top = (1 << bits) - 1
    return np.rint(values / top * 219 * step + 16 * step).astype(np.uint16), bits


def near(item, attempt):
    return item["truth"] is not None and abs(attempt["vmaf"] - item["truth"]) <= TOLERANCE


def good(item):
    """Ordinary: scored truly without a word. Spoilt: refused, or a true number. Hints: the same."""
    first = item["tries"][0]
    if any(attempt["status"] not in {0, REFUSED} for attempt in item["tries"]):
        return False
    if item["kind"] == ORDINARY:
        return first["status"] == 0 and near(item, first)
    return all(try_["status"] != 0 or near(item, try_) for try_ in item["tries"])


def table(found):
    n_sources = len({item["source"] for item in found})
    lines = [
        f"{len(found)} pairs of {n_sources} sources.",
        "",
        "| pair | scored | refused | worst error | after following the hints |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for kind, title in ((ORDINARY, "Ordinary"), (SPOILT, "Spoilt")):
        of_kind = [item for item in found if item["kind"] == kind]
        lines.append(
            f"| **{title}**: {sum(map(good, of_kind))} of {len(of_kind)} as they should be "
            "| | | | |"
        )
        for name in WAYS:
            items = [item for item in of_kind if item["way"] == name]
            if items:
                lines.append(row(name, items))
    return "\n".join(lines)


def row(name, items):
    scored = [item for item in items if item["tries"][0]["status"] == 0]
    errors = [
        abs(item["tries"][0]["vmaf"] - item["truth"])
        for item in scored
        if item["truth"] is not None
    ]
    wrong = sum(item["truth"] is None for item in scored)
    worst = f"{max(errors):.3f}" if errors else ""
    worst += f" ({wrong} without truth)" if wrong else ""
    later = [item for item in items if len(item["tries"]) > 1]
    ends = [item["tries"][-1]["status"] == 0 for item in later]
    after = ""
    if later:
        missed = sum(not good(item) for item in later)
        after = f"{sum(ends)} true, {len(ends) - sum(ends)} refused" + (
            f", {missed} WRONG" if missed else ""
        )
    return f"| {name} | {len(scored)} | {len(items) - len(scored)} | {worst} | {after} |"


def record(found):
    """Figures of every way, and one refusal in its words; the pairs are in the working folder."""
    ways = []
    for name in WAYS:
        items = [item for item in found if item["way"] == name]
        if items:
            refused = [item["tries"][0]["words"] for item in items if item["tries"][0]["status"]]
            figures = {
                "pairs": len(items),
                "good": sum(map(good, items)),
                "scored": len(items) - len(refused),
                "followed": sum(len(item["tries"]) > 1 for item in items),
                # Without the folders of the machine that it ran on.
                "refusal": re.sub(r"/\S*/", "", refused[0])[:300] if refused else None,
            }
            ways.append({"way": name, "kind": items[0]["kind"], **figures})
    kinds = {}
    for kind in (ORDINARY, SPOILT):
        items = [item for item in found if item["kind"] == kind]
        kinds[kind] = {"pairs": len(items), "good": sum(map(good, items))}
    sources = sorted({item["source"] for item in found})
    settings = {"tolerance": TOLERANCE, "width": WIDTH, "frames": FRAMES, "sources": sources}
    return {**settings, "kinds": kinds, "ways": ways}


def fill(page, text):
    old = page.read_text(encoding="utf-8")
    head, _, rest = old.partition(BEGIN)
    _, _, tail = rest.partition(END)
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
