# SPDX-License-Identifier: Apache-2.0
"""Ladders: lists of the distorted clips to make of a source.

A ladder is a TOML file of `[[rung]]` tables: `encoder`, `heights` (pixels, or fractions of the
source's height up to 1), `crf` or `bitrate_kbps` lists, and `blur`, `noise` or `banding` lists for
damage before encoding; every combination is one clip.
Heights above the source's are left out, since upscaling before encoding is not a useful distortion.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from tinyvmaf.errors import UsageError

ENCODERS: Mapping[str, tuple[str, ...]] = {
    # Presets near the encoders' own defaults, and one thread where threads change the result.
    "libx264": ("-preset", "medium"),
    "libx265": ("-preset", "medium", "-x265-params", "log-level=error:pools=1:frame-threads=1"),
    "libsvtav1": ("-preset", "8", "-svtav1-params", "lp=1"),
    "libvpx-vp9": ("-deadline", "good", "-cpu-used", "4", "-row-mt", "0"),
}
"""Encoder name in ffmpeg -> its arguments besides rate control."""

DAMAGES: Mapping[str, str] = {
    "blur": "gblur=sigma={0}",
    "noise": "noise=alls={0}:allf=t:all_seed=1",
    "banding": "lutyuv=y=floor(val/{0})*{0}+floor({0}/2)",
}
"""Damage to every frame before encoding -> ffmpeg's filter for a strength of 1 or more.

Blur is a Gaussian's sigma in pixels, noise the largest step, banding the height of a step, both in
8-bit code values.
"""

_MOST = 10**6
"""Largest plausible number; no bitrate in kbit/s is higher."""

_KEYS = frozenset({"encoder", "heights", "crf", "bitrate_kbps", *DAMAGES})


@dataclass(frozen=True, slots=True)
class Rung:
    """One distortion of a source.

    Attributes:
        encoder: A key of `ENCODERS`.
        height: Pixels (above 1) or a fraction of the source's height (up to 1).
        crf: Constant rate factor, or None.
        bitrate_kbps: Target bitrate, or None; exactly one of the two is given.
        damage: A key of `DAMAGES` and its strength, or None.
    """

    encoder: str
    height: float
    crf: int | None = None
    bitrate_kbps: int | None = None
    damage: tuple[str, int] | None = None

    def pixels(self, source_height: int) -> int:
        """Height of the encode for a source of that height: even, as 4:2:0 requires."""
        wanted = self.height if self.height > 1 else self.height * source_height
        return source_height if wanted >= source_height else max(2, 2 * round(wanted / 2))

    def fits(self, source_height: int) -> bool:
        """True unless this rung would upscale a source of that height."""
        return self.height <= max(1, source_height)

    def name(self, source_height: int) -> str:
        """Name of the clip, such as `libx264_360p_crf28`."""
        rate = f"crf{self.crf}" if self.crf is not None else f"{self.bitrate_kbps}kbps"
        damage = f"{self.damage[0]}{self.damage[1]}_" if self.damage else ""
        return f"{damage}{self.encoder}_{self.pixels(source_height)}p_{rate}"

    def filters(self, source_height: int) -> list[str]:
        """Ffmpeg's filters between a source of that height and the encoder, in order."""
        height = self.pixels(source_height)
        damage = [DAMAGES[self.damage[0]].format(self.damage[1])] if self.damage else []
        scale = [f"scale=-2:{height}:flags=bicubic"] if height != source_height else []
        return damage + scale

    def arguments(self) -> list[str]:
        """Ffmpeg's arguments that select and configure the encoder."""
        if self.crf is not None:
            rate = ["-crf", str(self.crf)]
            # VP9 takes the CRF as an upper bound unless the bitrate is 0.
            rate += ["-b:v", "0"] if self.encoder == "libvpx-vp9" else []
        else:
            rate = ["-b:v", f"{self.bitrate_kbps}k"]
        return ["-c:v", self.encoder, *ENCODERS[self.encoder], *rate]


def read_ladder(path: Path | None = None) -> tuple[Rung, ...]:
    """The rungs in the TOML file at `path`; without one, the default ladder of eight.

    Raises:
        UsageError: the file is missing or is not a ladder; the message names the fault.
    """
    if path is None:
        text = resources.files("tinyvmaf.corpus").joinpath("ladder.toml").read_text("utf-8")
        return _parse(text, "default ladder")
    try:
        return _parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a readable ladder: {error}") from error


def _parse(text: str, origin: str) -> tuple[Rung, ...]:
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{origin}: not TOML: {error}") from error
    tables = data.get("rung")
    if set(data) != {"rung"} or not isinstance(tables, list) or not tables:
        raise UsageError(f"{origin}: expected [[rung]] tables and nothing else")
    rungs = [
        rung
        for index, table in enumerate(tables, 1)
        for rung in _expand(table, f"{origin}, rung {index}")
    ]
    if len(set(rungs)) != len(rungs):
        raise UsageError(f"{origin}: the same rung occurs twice")
    return tuple(rungs)


def _expand(table: object, where: str) -> list[Rung]:
    if not isinstance(table, Mapping):
        raise UsageError(f"{where}: is {table!r}, expected a table [[rung]]")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        known = ", ".join(sorted(_KEYS))
        raise UsageError(f"{where}: unknown {', '.join(unknown)}; known are {known}")
    encoder = str(table.get("encoder"))
    if encoder not in ENCODERS:
        raise UsageError(f"{where}: encoder {encoder!r}; expected one of {', '.join(ENCODERS)}")
    heights = table.get("heights", [1])
    crfs, rates = table.get("crf", []), table.get("bitrate_kbps", [])
    strengths = {name: table[name] for name in DAMAGES if name in table}
    numbers = {"heights": heights, "crf": crfs, "bitrate_kbps": rates, **strengths}
    for name, values in numbers.items():
        kinds = (int, float) if name == "heights" else (int,)
        if not isinstance(values, list) or not all(
            isinstance(value, kinds) and not isinstance(value, bool) and 0 <= value <= _MOST
            for value in values
        ):
            raise UsageError(
                f"{where}: {name} is {values!r}, expected a list of numbers from 0 to {_MOST}"
            )
    if not heights or 0 in heights or bool(crfs) == bool(rates):
        raise UsageError(f"{where}: expected heights above 0, and either crf or bitrate_kbps")
    if any(not values or 0 in values for values in strengths.values()):
        raise UsageError(f"{where}: expected {', '.join(strengths)} of 1 or more")
    damages = [(name, value) for name, values in strengths.items() for value in values] or [None]
    plain = [
        *(Rung(encoder, float(height), crf=crf) for height in heights for crf in crfs),
        *(Rung(encoder, float(height), bitrate_kbps=rate) for height in heights for rate in rates),
    ]
    return [replace(rung, damage=damage) for damage in damages for rung in plain]
