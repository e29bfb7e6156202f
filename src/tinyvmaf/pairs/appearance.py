# SPDX-License-Identifier: Apache-2.0
"""Findings about what matched pictures show: their framing, levels, mirroring and combs.

Where pictures belong together in time, they may still be cropped, moved, scaled, mirrored, of
another range, interlaced, or of something else.
"""

from collections.abc import Generator
from typing import Final

import numpy as np

from tinyvmaf.media.close_ups import COMBED
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.cropping import bars
from tinyvmaf.pairs.evidence import ALIKE
from tinyvmaf.pairs.finding import Allowance, Finding
from tinyvmaf.pairs.framing import Displacement, displacement
from tinyvmaf.pairs.levels import stretched
from tinyvmaf.pairs.looking import Sight

# Of the compared pictures' longer side, which has 320 pixels.
_MOVED: Final = 0.3
_GAINED: Final = 0.7
_GAINED_WITHIN_A_PIXEL: Final = 0.4
# Pictures in which displacements are measured.
_DISPLACED: Final = 2
_TURNED: Final = 0.03
_MIRRORED: Final = 0.5


def framing_findings(pair: CheckedPair, sight: Sight, likeness: float | None) -> Generator[Finding]:
    """Black bars that one video lacks, and pictures that show another part of the scene."""
    found = _displacement(sight)
    away = found is not None and found.worst > _MOVED and found.gained < _least_gain(found.worst)
    if not away and (likeness is None or likeness >= ALIKE):
        return
    cropped = pair.reference.conversion.crop or pair.distorted.conversion.crop
    crops = bars(pair, sight) if cropped is None else (None, None)
    for name, crop in (("reference", crops[0]), ("distorted", crops[1])):
        if crop is not None:
            side = "" if name == "reference" else "distorted:"
            other = "distorted" if name == "reference" else "reference"
            yield Finding(
                f"{name} has black bars that {other} lacks",
                f"`crop='{side}{crop}'` takes them off",
                final=True,
            )
            return
    if away and found is not None:
        yield Finding(
            f"distorted does not show the same part of the picture as reference ({_how(found)})",
            "crop or scale both alike; `crop='W:H:X:Y'` names the part of the reference that it "
            "shows",
            final=True,
        )


def _least_gain(worst: float) -> float:
    """Share of the distance that a displacement by so many pixels must not leave.

    By half a pixel, interpolation smooths a noisy reference, which is nearer to any encode of it.
    """
    return _GAINED if worst > 1 else _GAINED_WITHIN_A_PIXEL


def _displacement(sight: Sight) -> Displacement | None:
    return displacement(
        [
            (sight.reference.close_ups[ours].picture, sight.distorted.close_ups[theirs].picture)
            for ours, theirs in sight.close[:: max(1, -(-len(sight.close) // _DISPLACED))]
        ]
    )


def _how(found: Displacement) -> str:
    parts: list[str] = []
    zoom = max(found.zoom, key=lambda value: abs(value - 1))
    if abs(zoom - 1) > 0.002:  # noqa: PLR2004
        parts.append(f"{abs(zoom - 1):.1%} {'larger' if zoom > 1 else 'smaller'}")
    width, height = 320, 320
    across, down = found.moved[0] / width, found.moved[1] / height
    if max(abs(across), abs(down)) > 0.002:  # noqa: PLR2004
        parts.append(f"moved by {max(across, down, key=abs):.1%} of the longer side")
    return " and ".join(parts) or "moved or scaled"


def level_findings(sight: Sight) -> Generator[Finding]:
    """Full and limited range that were mixed up."""
    word = stretched(sight)
    if word is not None:
        how = (
            "stretched from limited to full" if word == "full" else "squeezed from full to limited"
        )
        yield Finding(
            f"distorted looks like the reference with its colour range {how}, and is not flagged "
            "so",
            "find the step that mixed up the range and encode again; "
            "`allow=['color-range']` converts its levels back",
            Allowance.COLOR_RANGE,
            offered=False,
        )


def combed(pair: CheckedPair, sight: Sight) -> Generator[Finding]:
    """Interlaced pictures: by their combs, not by their flag alone."""
    for place, (name, side, seen) in enumerate(
        (
            ("reference", pair.reference, sight.reference),
            ("distorted", pair.distorted, sight.distorted),
        )
    ):
        shares = [seen.close_ups[frames[place]].combed for frames in sight.close]
        least = 1 if side.interlaced else max(1, len(shares) // 3)
        combed = sum(share > COMBED for share in shares) >= least
        if combed and side.interlaced:
            yield Finding(
                f"{name} is interlaced: its pictures show two moments each",
                "deinterlace both in the same way, such as with ffmpeg's bwdif, and score those",
                Allowance.INTERLACED,
            )
        elif combed:
            yield Finding(
                f"pictures of {name} look interlaced (combed), which it is not flagged as",
                "if so, deinterlace both in the same way and score those",
            )
        elif side.interlaced:
            yield Finding(
                f"{name} is flagged as interlaced, its pictures are not", "compared as they are"
            )


def mirrored(sight: Sight) -> str | None:
    """The mirroring at which the pictures fit far better, in words; None if they are upright."""
    sides = [
        np.array([seen.close_ups[frames[place]].picture for frames in sight.close])
        for place, seen in enumerate((sight.reference, sight.distorted))
    ]
    if not len(sides[0]) or sides[0].shape != sides[1].shape:
        return None
    ours, theirs = sides
    ways = {"mirrored": theirs[:, :, ::-1], "upside down": theirs[:, ::-1]}
    ways["turned by 180 degrees"] = theirs[:, ::-1, ::-1]
    upright = float(np.square(ours - theirs).mean())
    apart = {how: float(np.square(ours - picture).mean()) for how, picture in ways.items()}
    best = min(apart, key=lambda how: apart[how])
    return best if apart[best] < _MIRRORED * upright - 1 else None


def other_content(pair: CheckedPair, likeness: float) -> Finding:
    """Pictures that are of something else, by their median correlation."""
    ours, theirs = pair.reference.info, pair.distorted.info
    turned = abs(ours.width * theirs.width / (ours.height * theirs.height) - 1) < _TURNED
    turned = turned and ours.width != ours.height
    return Finding(
        f"the two do not show the same (correlation of their pictures {likeness:.2f})",
        f"one seems to be turned ({ours.size} against {theirs.size}): turn it"
        if turned
        else "make sure that both are of one source, and from the same time on",
        final=True,
    )
