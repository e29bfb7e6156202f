# SPDX-License-Identifier: Apache-2.0
"""Every parser that meets bytes from elsewhere, as data for two fuzzers.

A parser gets the path of a file with any bytes in it. It gives a value or a `TinyVmafError` of one
line that names the file; nothing else may leave it. `test_parsers.py` holds a few examples against
that in every run of the tests, `guided.py` looks for new ones with the coverage as its guide.
Hostile ONNX files have tests of their own in `tests/models/test_hostile.py`.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl

from tests.conftest import build_network
from tinyvmaf.corpus.ladder import read_ladder
from tinyvmaf.corpus.manifest import read_manifest
from tinyvmaf.corpus.reading import read_netflix
from tinyvmaf.errors import TinyVmafError
from tinyvmaf.evaluation.evaluate import read_run
from tinyvmaf.features.table import TableInfo, make_table, read_table, write_table
from tinyvmaf.libvmaf.logs import read_log, read_log_parts
from tinyvmaf.libvmaf.pixels import SIGNAL, SSIM, file_name, read_pixel_parts
from tinyvmaf.libvmaf.sets import CANONICAL6, TARGET
from tinyvmaf.media.probing import probe, y4m_positions
from tinyvmaf.media.video import Video
from tinyvmaf.models.card import Card, domain, golden, read_card
from tinyvmaf.scoring.batch import read_pairs
from tinyvmaf.training.recipes import load_recipe

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parents[1] / "src" / "tinyvmaf"
_GOLDEN = _HERE.parent / "golden"


@dataclass(frozen=True)
class Parser:
    """One of them.

    Attributes:
        name: What it reads.
        file: The name of the file that it is given.
        read: The parser, from the file's path.
        seeds: Files that it takes, given a folder to make them in.
        tokens: What often stands in such a file.
        named: What a refusal must name, if not the file.
    """

    name: str
    file: str
    read: Callable[[Path], object]
    seeds: Callable[[Path], list[bytes]]
    tokens: tuple[bytes, ...] = ()
    named: str | None = None


_numbers = count()


def check(parser: Parser, data: bytes, folder: Path) -> object | None:
    """Have `data` parsed; None if it is refused as it must be, else what the parser makes of it."""
    # A folder of its own each time: what is known of a file is remembered by its path.
    place = folder / str(next(_numbers))
    place.mkdir()
    path = place / parser.file
    path.write_bytes(data)
    try:
        return parser.read(path)
    except TinyVmafError as error:
        said = str(error)
        assert said, "an error without a word"
        assert len(said.splitlines()) == 1, f"more than a line: {said!r}"
        assert (parser.named or path.stem) in said, f"does not name the file: {said!r}"
        assert len(said) < 5000, f"a line of {len(said)} characters"
        return None
    finally:
        path.unlink(missing_ok=True)
        place.rmdir()


def _list_of_names(path: Path) -> object:
    """Files in Netflix's layout: a line is a name, in `ref` when it ends with `fps`."""
    names = {name for name in path.read_bytes().split(b"\n") if 0 < len(name) < 200}
    root = path.parent / "root"
    made: list[Path] = []
    try:
        for part in ("ref", "dis"):
            (root / part).mkdir(parents=True)
        for name in sorted(names):
            if b"/" in name or b"\0" in name:
                continue
            part = b"ref" if b"fps" in name else b"dis"
            made.append(
                Path((bytes(root) + b"/" + part + b"/" + name).decode(errors="surrogateescape"))
            )
            if not made[-1].exists():
                made[-1].touch()
        corpus = read_netflix(root)
        assert all(problem.reason.isprintable() for problem in corpus.problems)
        return corpus
    finally:
        for file in made:
            if file.is_file():
                file.unlink(missing_ok=True)
        for part in ("ref", "dis", "."):
            (root / part).rmdir()


def _pixel_log(features: tuple[str, ...]) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        others = [path.with_name(file_name(name)) for name in features]
        others = [other for other in others if other != path]
        for other in others:
            other.write_bytes(path.read_bytes())
        try:
            return list(read_pixel_parts(path.parent, features, part_frames=3))
        finally:
            for other in others:
                other.unlink()

    return read


def _y4m(path: Path) -> object:
    y4m_count = len(y4m_positions(path, frame_bytes=6))
    return y4m_count, probe(Video(path))


def _logs(folder: Path) -> list[bytes]:
    del folder
    lines = ["Frame,integer_motion2,vmaf,", "0,0.000000,97.428042,", "1,2.500000,96.000000,"]
    return ["\n".join([*lines, ""]).encode()]


def _json_logs(folder: Path) -> list[bytes]:
    del folder
    whole = json.loads(next(_GOLDEN.glob("vmaf-cli*.json")).read_text())
    whole["frames"] = whole["frames"][:2]
    return [json.dumps(whole).encode()]


def _tables(folder: Path) -> list[bytes]:
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({"source": ["a", "a", "b"], "clip": ["c"] * 3, "frame": [0, 1, 0]})
    rows = rows.with_columns(
        *(pl.Series(name, rng.random(3)) for name in CANONICAL6), pl.Series(TARGET, [1.0, 2.0, 3.0])
    )
    path = folder / "seed.parquet"
    write_table(make_table(rows, TableInfo(teacher="vmaf_v0.6.1")), path)
    foreign = io.BytesIO()
    rows.with_columns(teacher=pl.lit("vmaf_v0.6.1")).write_parquet(
        foreign, compression="uncompressed"
    )
    return [path.read_bytes(), foreign.getvalue()]


def _cards(folder: Path) -> list[bytes]:
    del folder
    network, rows = build_network(), np.random.default_rng(0).random((40, len(CANONICAL6)))
    card = Card(
        name="some_model_v1",
        sha256="0" * 64,
        arch="mlp_small",
        n_params=network.n_params,
        feature_set="canonical6",
        features=CANONICAL6,
        teacher="vmaf_v0.6.1",
        training_sources=("Bird",),
        training_rmse=0.5,
        table_sha256=None,
        recipe={"name": "default"},
        seeds=(0,),
        loso=None,
        loso_absent="one source",
        domain=domain(rows, names=CANONICAL6),
        golden=golden(network, rows),
        licence="Apache-2.0",
    )
    return [card.to_json().encode()]


def _files(pattern: str) -> Callable[[Path], list[bytes]]:
    return lambda folder: [path.read_bytes() for path in sorted(_PACKAGE.glob(pattern))]


def _texts(*texts: bytes) -> Callable[[Path], list[bytes]]:
    return lambda folder: list(texts)


_FRAME = b"FRAME\n" + bytes(6)
_Y4M = b"YUV4MPEG2 W2 H2 F25:1 Ip A1:1 C420jpeg\n"
_PIXELS = b"".join(
    b"frame:%d    pts:%d       pts_time:%.2f\nlavfi.psnr.psnr.y=%.6f\n" % (n, n, n / 25, 30 + n)
    for n in range(4)
)
_RUN = {
    "schema": "tinyvmaf.run/1",
    "recipe": "default",
    "arch": "mlp_small",
    "n_params": 257,
    "teacher": "vmaf_v0.6.1",
    "seeds": [0],
    "features": ["a"],
    "table": {},
    "folds": [],
    "held_out": [],
}
_JSON = (
    b"{",
    b"[",
    b"null",
    b"1e999",
    b"NaN",
    b"-1",
    b'""',
    b"1" + b"0" * 400,
    b"[" * 3000,
    b"\\ud800",
)
_CSV = (
    b",",
    b"\n",
    b'"',
    b"\xef\xbb\xbf",
    b"\r",
    b"1e99999999",
    b"0",
    b"nan",
    b"-1",
    b"1/0",
    b"\0",
)

PARSERS = (
    Parser("libvmaf log, CSV", "log.csv", read_log, _logs, _CSV),
    Parser(
        "libvmaf log, CSV in parts",
        "log.csv",
        lambda path: list(read_log_parts(path, part_frames=1)),
        _logs,
        _CSV,
    ),
    Parser(
        "libvmaf log, JSON", "log.json", read_log, _json_logs, (*_JSON, b'"frames"', b'"metrics"')
    ),
    Parser(
        "signal log",
        "psnr.txt",
        _pixel_log(SIGNAL),
        _texts(_PIXELS),
        (b"inf", b"-inf", b"nan", b"="),
        named="psnr",
    ),
    Parser(
        "SSIM log",
        "ssim.txt",
        _pixel_log(SSIM),
        _texts(_PIXELS.replace(b"psnr.psnr.y=3", b"ssim.Y=0.9").replace(b".000000\n", b"\n")),
        (b"1e308", b"nan", b"1.0", b"-1e308"),
        named="ssim",
    ),
    Parser(
        "names of Netflix's layout",
        "names",
        _list_of_names,
        _texts(b"Bird_25fps.yuv\nBird_20_288_375.yuv\nA_23.976fps.y4m\nA_1_2_3.mp4\n"),
        (b"_", b"fps", b".yuv", b"0", b"9" * 100, b"\xff", b"\xd9\xa3", b"."),
    ),
    Parser(
        "manifest",
        "corpus.csv",
        read_manifest,
        _texts(
            b"source,reference,distorted\na,a.mkv,b.mp4\n",
            b"source,clip,reference,distorted,width,height,pix_fmt,fps,mos\n"
            b"a,b,a.yuv,b.yuv,64,32,yuv420p,30000/1001,3.5\n",
        ),
        _CSV,
    ),
    Parser(
        "list of pairs",
        "pairs.csv",
        read_pairs,
        _texts(b"reference,distorted\na.mkv,b.mp4\n"),
        _CSV,
    ),
    Parser(
        "recipe",
        "mine.toml",
        lambda path: load_recipe(str(path)),
        _files("training/recipes/*.toml"),
        (b"[" * 2000, b"1e400", b'"a\\nb"', b"nan", b"inf", b"9" * 30, b"0x", b"1979-05-27"),
    ),
    Parser(
        "ladder",
        "mine.toml",
        read_ladder,
        _files("corpus/ladder.toml"),
        (b"[" * 2000, b"1e400", b'"a\\nb"', b"nan", b"inf", b"9" * 400, b"[[rung]]", b"1979-05-27"),
    ),
    Parser("card", "card.json", read_card, _cards, _JSON),
    Parser(
        "run",
        "run.json",
        lambda path: read_run(path.parent),
        _texts(json.dumps(_RUN).encode()),
        _JSON,
        named="run",
    ),
    Parser(
        "Y4M",
        "clip.y4m",
        _y4m,
        _texts(_Y4M + _FRAME * 2),
        (
            b"FRAME",
            b"\n",
            b" W0",
            b" H99999999",
            b" F0:0",
            b" F1:0",
            b" F99999999:1",
            b" Cmono",
            b" I?",
        ),
    ),
    Parser(
        "feature table", "table.parquet", read_table, _tables, (b"PAR1", b"\0" * 8, b"\xff" * 8)
    ),
)
