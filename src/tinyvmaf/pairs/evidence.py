# SPDX-License-Identifier: Apache-2.0
"""Agreement of small pictures of matched frames, and the places where another matching fits better.

In go small grey pictures of both videos and how their frames are matched, out comes an `Evidence`:
the offsets at which the pictures fit, stretch by stretch. Every frame has a say; still pictures
have none and are carried by their neighbours. One frame alone, such as one that a coarse encode
did not refresh, moves nothing: a stretch counts where its frames together are clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from tinyvmaf.media.small_pictures import SMALL, SmallPictures

REACH: Final = 8
"""Frames to either side that are compared first; where none fits, further ones are."""

# The cost of any offset, and of older pictures, which coarse encodes show; of a change of it.
_DOUBT: Final = 0.25
_OLDER_DOUBT: Final = 0.5
_MOST: Final = 2.0
_SWITCH: Final = 0.6
# How clear stretches of another offset must be: where the numbers of frames say so too, later ones,
# older ones, several offsets.
_EXPECTED: Final = 0.6
_EACH: Final = 0.05
_CLEAR: Final = 3.0
_OLDER: Final = 5.0
_WAVERING: Final = 8.0
_TELLS: Final = 0.45
# How often the error at a later picture, and the usual one, those of all earlier pictures are.
_PROOF: Final = 4.0
# The cost at which the last frames fit a shift as well, and how many of them must tell.
_OPEN: Final = 0.2
_FEWEST: Final = 3
# Squared distance that two frames in each other's place must gain, over the usual one.
_SWAPPED: Final = 0.2
_LEAST_FOLLOWED: Final = 0.1
# Squared grey levels: less is rounding.
_FLOOR: Final = 0.1
# Pixels of the small pictures, across and down, that vote together; so few votes prove little.
_BLOCK: Final = (12, 9)
_FEW: Final = 2.0
_BESIDE: Final = 2
_ALIKE_NOISE: Final = 0.1
_NOWHERE: Final = 1e6
# Of what pictures change within the reach of the search; more is not coding.
_STRANGE: Final = 0.5
_MANY: Final = 4
_RESTLESS: Final = 16
_CANDIDATES: Final = 16
# Of the misfit at near offsets, a far one must make good so much.
_GAINED: Final = 0.4
_NEAR: Final = np.array(sorted(range(-REACH, REACH + 1), key=abs))
# Correlation; below it a far shift is looked for.
_FAMILIAR: Final = 0.97
# In grey levels; flat pictures resemble everything.
_CONTRAST: Final = 3.0

ALIKE: Final = 0.7
"""Correlation of two small pictures that show the same."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Matched frames, one after the other, whose pictures fit best at one offset.

    Attributes:
        first, last: Numbers of matched frames, both included.
        offset: Frames that the fitting frame of the reference lies later than the matched one.
        clear: Evidence of that against no offset, at most 2 a frame; 0 for no offset.
        n_telling: Frames in which the reference changes enough to tell offsets apart.
    """

    first: int
    last: int
    offset: int
    clear: float = 0.0
    n_telling: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of the pictures for or against a matching.

    Attributes:
        stretches: All frames, in order; one stretch of offset 0 for a matching that is right.
        swapped: Matched frames that show the next one's picture, where the next shows theirs.
        surplus: Frames that the distorted video has over the reference.
        misfit: Mean squared distance of the pictures at their best offsets, in grey levels.
        likeness: Median correlation of matched pictures at their best offsets, in [-1, 1]; None
            if all are flat.
    """

    stretches: tuple[Stretch, ...]
    swapped: tuple[int, ...]
    surplus: int
    misfit: float
    likeness: float | None

    @property
    def off(self) -> tuple[Stretch, ...]:
        """The stretches that fit clearly better at another offset.

        Those that follow each other count together.
        """
        found: list[Stretch] = []
        group: list[Stretch] = []
        for item in (*self.stretches, Stretch(0, 0, 0)):
            if item.offset:
                group.append(item)
                continue
            if group and self._counts(group):
                found += group
            group = []
        return tuple(found)

    @property
    def lost(self) -> bool:
        """True if no offset nearby fits, or the best one lies at the edge of the search."""
        off = self.off
        edge = any(abs(item.offset) >= REACH - 1 for item in off)
        restless = len(off) > _MANY
        return edge or restless or (self.likeness is not None and self.likeness < _FAMILIAR)

    def _counts(self, group: Sequence[Stretch]) -> bool:
        """True if one offset of adjacent stretches clearly contradicts an offset of 0.

        A frame that lacks, or one too many, moves all that follow; where the numbers of frames say
        so, less suffices. Coarse encodes show older pictures for a while, hardly ever later ones,
        and waver between offsets, as a frozen picture does more clearly.
        """
        clear: dict[int, float] = {}
        for item in group:
            clear[item.offset] = clear.get(item.offset, 0.0) + item.clear
        offset = max(clear, key=lambda item: clear[item])
        least = _CLEAR if offset > 0 else _OLDER
        stays = group[-1].last + abs(group[-1].offset) >= self.stretches[-1].last
        if stays and offset * self.surplus < 0 and abs(offset) <= abs(self.surplus) + 1:
            n_telling = sum(item.n_telling for item in group if item.offset == offset)
            least = min(least, max(_EXPECTED, _EACH * n_telling))
        return clear[offset] >= least or sum(clear.values()) >= _WAVERING


def examine(
    reference: SmallPictures,
    distorted: SmallPictures,
    *,
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
    surplus: int = 0,
    far: int = 0,
) -> Evidence:
    """Compare every matched frame with its partner and the frames beside it.

    Args:
        reference: Its small pictures; some frames may lack.
        distorted: The same of the distorted video.
        matched: Numbers of the reference's and of the distorted video's frames that belong
            together. Those whose distorted frame was not seen have no say.
        surplus: Frames that the distorted video has over the reference.
        far: How far to search if nothing near fits, in frames.
    """
    place = np.searchsorted(distorted.frames, matched[1])
    place = np.minimum(place, len(distorted.frames) - 1)
    compared = np.flatnonzero(distorted.frames[place] == matched[1])
    if not len(compared):
        return Evidence((), (), surplus, 0.0, None)
    ours = matched[0][compared]
    level, detail = _prepared(reference.pictures), _prepared(distorted.pictures)[place[compared]]
    seen = _Seen(level, detail, reference.frames, ours, compared, surplus)
    found = _follow(seen, _NEAR)
    if far > REACH and (found.lost or found.misfit > _STRANGE * _usual_change(seen)):
        further = _follow(seen, _likely(seen, far=far))
        if further.off and further.misfit < (1 - _GAINED) * found.misfit:
            return further
    return found


@dataclass(frozen=True, slots=True)
class _Seen:
    """Pictures without their brightness, in blocks, and how they are matched.

    Attributes:
        level: Of the reference, a row for each frame of `numbers`.
        detail: Of the distorted video, a row for each matched frame.
        numbers: The reference's frames that were seen.
        ours: The reference's frame that is matched, for each row of `detail`.
        compared: The number of each matched frame.
        surplus: Frames that the distorted video has over the reference.
    """

    level: Float[np.ndarray, "n_seen n_blocks p"]
    detail: Float[np.ndarray, "n_frames n_blocks p"]
    numbers: Int[np.ndarray, " n_seen"]
    ours: Int[np.ndarray, " n_frames"]
    compared: Int[np.ndarray, " n_frames"]
    surplus: int


def _follow(seen: _Seen, offsets: Int[np.ndarray, " n_offsets"]) -> Evidence:
    """The stretches at whose offsets the pictures fit."""
    rows, there = _rows(seen.numbers, seen.ours)
    shown = np.flatnonzero(there)
    gain = np.float32(_gain(_of(seen.level, rows[there]), _of(seen.detail, shown)))
    scaled = replace(seen, level=seen.level * gain)
    apart = _distances(scaled, offsets)
    cost = _costs(scaled, apart, offsets)
    path = _settled(_path(cost, offsets), cost, apart, offsets)
    certain = _early(path, apart.mean(axis=2), offsets) | _lacking(path, cost, offsets, seen)
    rows, there = _rows(seen.numbers, seen.ours + offsets[path])
    found = Evidence(
        stretches=_stretches(cost, path, offsets, seen, certain),
        swapped=(),
        surplus=seen.surplus,
        misfit=_misfit(apart, path),
        likeness=_likeness(_of(seen.level, rows[there]), _of(seen.detail, np.flatnonzero(there))),
    )
    if len(found.stretches) >= _RESTLESS:
        return found
    return replace(found, swapped=_swaps(scaled, found.off))


def _rows(
    numbers: Int[np.ndarray, " n_seen"], wanted: Int[np.ndarray, "..."]
) -> tuple[Int[np.ndarray, "..."], Bool[np.ndarray, "..."]]:
    """The row of each wanted frame, and whether that frame was seen."""
    rows = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    return rows, numbers[rows] == wanted


def _prepared(pictures: UInt8[np.ndarray, "n n_pixels"]) -> Float[np.ndarray, "n n_blocks p"]:
    """Without the brightness of each picture, block by block."""
    values = pictures.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    width, height = SMALL
    across, down = _BLOCK
    blocks = values.reshape(len(values), height // down, down, width // across, across)
    return np.ascontiguousarray(blocks.swapaxes(2, 3)).reshape(len(values), -1, across * down)


def _gain(ours: Float[np.ndarray, "n k p"], theirs: Float[np.ndarray, "n k p"]) -> float:
    """Gain between the contrasts of both videos, limited to what coding and levels may cause."""
    energy = float(np.vdot(ours, ours))
    gain = float(np.vdot(ours, theirs)) / energy if energy > 0 else 1.0
    return min(max(gain, 0.8), 1.25)


def _distances(
    seen: _Seen, offsets: Int[np.ndarray, " n_offsets"]
) -> Float[np.ndarray, "n_frames n_offsets n_blocks"]:
    """Mean squared distances; a large one where the reference has no such frame."""
    n_frames, n_blocks, n_pixels = seen.detail.shape
    apart = np.full((n_frames, len(offsets), n_blocks), _NOWHERE, np.float32)
    space = np.empty_like(seen.detail)
    for column, offset in enumerate(offsets):
        rows, there = _rows(seen.numbers, seen.ours + offset)
        frames = np.flatnonzero(there)
        squared = _squared(_of(seen.level, rows[there]), _of(seen.detail, frames), space)
        apart[there, column] = squared / n_pixels
    return apart


def _of(values: Float[np.ndarray, "n k p"], rows: Int[np.ndarray, " m"]) -> np.ndarray:
    """Some rows; a view, which copies nothing, where they follow each other."""
    if len(rows) and (np.diff(rows) == 1).all():
        return values[rows[0] : rows[-1] + 1]
    return values[rows]


def _squared(
    one: Float[np.ndarray, "m k p"],
    other: Float[np.ndarray, "m k p"],
    space: Float[np.ndarray, "n k p"],
) -> Float[np.ndarray, "m k"]:
    """The squared distances of blocks; `space` spares the allocation of their differences."""
    step = np.subtract(one, other, out=space[: len(one)])
    return np.einsum("nkp,nkp->nk", step, step)


def _costs(
    seen: _Seen,
    apart: Float[np.ndarray, "n_frames n_offsets n_blocks"],
    offsets: Int[np.ndarray, " n_offsets"],
) -> Float[np.ndarray, "n_frames n_offsets"]:
    """The cost of every offset for every frame, against none: `-_MOST` where it fits perfectly.

    Of a block, that is the difference of the two squared distances over the squared distance of
    the two pictures of the reference, so that coding noise, which both distances have, does not
    matter. A coarse encode shows old content in most of its blocks, and new content where much
    changes; so every block has one vote. Where the reference hardly changes, the cost is near 0.
    """
    n_pixels = seen.detail.shape[2]
    at, known = _rows(seen.numbers, seen.ours)
    cost = np.zeros(apart.shape[:2])
    space = np.empty_like(seen.detail)
    for column, offset in enumerate(offsets[1:], start=1):
        rows, there = _rows(seen.numbers, seen.ours + offset)
        there &= known
        changed = _squared(_of(seen.level, rows[there]), _of(seen.level, at[there]), space)
        changed /= n_pixels
        none, other = apart[there, 0], apart[there, column]
        gained = (none - other) / (changed + _FLOOR)
        # More than all is gained at an offset that lies on the way to the right one.
        gained = np.clip(np.minimum(gained, 2 - gained), -1, 1)
        told = _told(changed, np.minimum(none, other))
        total = told.sum(axis=1) + _FEW
        cost[there, column] = -_MOST * (told * gained).sum(axis=1) / total
        cost[~there, column] = _MOST
        older = offset < -max(seen.surplus, 0)
        doubt = _OLDER_DOUBT if older else _DOUBT
        cost[there, column] += doubt * (1 - _FEW / total)
    return cost


def _told(
    changed: Float[np.ndarray, "n_frames n_blocks"], noise: Float[np.ndarray, "n_frames n_blocks"]
) -> Float[np.ndarray, "n_frames n_blocks"]:
    """The weight of blocks, in [0, 1]: little where coding changed more than time did."""
    return changed**2 / (changed**2 + (noise + _FLOOR) ** 2)


def _path(cost: Float[np.ndarray, "n k"], offsets: Int[np.ndarray, " k"]) -> Int[np.ndarray, " n"]:
    """The cheapest sequence of offsets, where each change of offset costs the same (Viterbi)."""
    came = np.zeros(cost.shape, dtype=np.int64)
    # In still pictures at the start nothing tells: a single frame more likely lacks later on,
    # several lack before.
    total = cost[0] + 1.01 * _SWITCH * (np.abs(offsets) == 1)
    for frame in range(1, len(cost)):
        cheapest = int(total.argmin())
        jump = total[cheapest] + _SWITCH
        came[frame] = np.where(total <= jump, np.arange(len(total)), cheapest)
        total = np.minimum(total, jump) + cost[frame]
    path = np.zeros(len(cost), dtype=np.int64)
    path[-1] = int(total.argmin())
    for frame in range(len(cost) - 1, 0, -1):
        path[frame - 1] = came[frame, path[frame]]
    return path


def _settled(
    path: Int[np.ndarray, " n"],
    cost: Float[np.ndarray, "n k"],
    apart: Float[np.ndarray, "n k n_blocks"],
    offsets: Int[np.ndarray, " k"],
) -> Int[np.ndarray, " n"]:
    """The path with each change where the pictures' noise too fits best.

    Still pictures cost nothing at any offset, which leaves open where a change lies; the noise of
    the reference, which a good encode keeps, tells.
    """
    noise = np.median(apart.min(axis=1), axis=0) + _FLOOR
    error = (apart / noise).mean(axis=2)
    path = path.copy()
    ends = [*(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    start = 0
    for place, end in pairwise(ends):
        columns = path[place - 1], path[place]
        within = slice(start, end - 1)
        worse, noisier = (
            np.cumsum(values[within, columns[0]] - values[within, columns[1]])
            for values in (cost, error)
        )
        open_ = worse <= worse[place - 1 - start] + _SWITCH
        noisier[~open_] = np.inf
        likely = np.flatnonzero(noisier <= noisier.min() + _ALIKE_NOISE)
        # A coarse encode shows what was before for some frames.
        change = start + 1 + int(likely[0 if offsets[columns[1]] > offsets[columns[0]] else -1])
        path[start:change], path[change:end] = columns
        start = change
    _chosen(path, error, offsets)
    return path


def _chosen(
    path: Int[np.ndarray, " n"],
    error: Float[np.ndarray, "n k"],
    offsets: Int[np.ndarray, " k"],
) -> None:
    """Give each stretch the offset that fits best of those beside its own; but for 0, none.

    Against no offset, the right one and its neighbours gain almost alike.
    """
    for first, end in pairwise([0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]):
        own = int(offsets[path[first]])
        if own:
            near = np.flatnonzero((np.abs(offsets - own) <= _BESIDE) & (offsets * own > 0))
            path[first:end] = near[error[first:end, near].sum(axis=0).argmin()]


def _stretches(
    cost: Float[np.ndarray, "n k"],
    path: Int[np.ndarray, " n"],
    offsets: Int[np.ndarray, " k"],
    seen: _Seen,
    certain: Bool[np.ndarray, " n"],
) -> tuple[Stretch, ...]:
    starts = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    found: list[Stretch] = []
    for first, end in pairwise(starts):
        column = int(path[first])
        clear = float((cost[first:end, 0] - cost[first:end, column]).sum())
        if certain[first:end].any():
            clear = max(clear, _CLEAR)
        n_telling = int((np.ptp(cost[first:end], axis=1) > _TELLS).sum())
        ends = int(seen.compared[first]), int(seen.compared[end - 1])
        found.append(Stretch(*ends, int(offsets[column]), clear, n_telling))
    return tuple(found)


def _early(
    path: Int[np.ndarray, " n"], error: Float[np.ndarray, "n k"], offsets: Int[np.ndarray, " k"]
) -> Bool[np.ndarray, " n"]:
    """Frames that show a later picture of the reference, and neither their own nor an older one.

    No encode shows what is still to come, so that one such frame is proof. Of a flash that an
    encode leaves out, the picture before fits as well as the one behind. `path` is changed to lead
    there.
    """
    later = np.flatnonzero(offsets > 0)
    if not len(later):
        return np.zeros(len(path), dtype=np.bool_)
    best = later[error[:, later].argmin(axis=1)]
    usual = float(np.median(error[np.arange(len(path)), path])) + _FLOOR
    shown = np.maximum(error[np.arange(len(path)), best], usual)
    found = error[:, offsets <= 0].min(axis=1) >= _PROOF * shown
    # Two frames in each other's place are another matter.
    nearest = offsets[error.argmin(axis=1)]
    found[:-1] &= (nearest[:-1] != 1) | (nearest[1:] != -1)
    astray = found & (offsets[path] <= 0)
    path[astray] = best[astray]
    return found


def _lacking(
    path: Int[np.ndarray, " n"],
    cost: Float[np.ndarray, "n k"],
    offsets: Int[np.ndarray, " k"],
    seen: _Seen,
) -> Bool[np.ndarray, " n"]:
    """The last frames, where the frame that one video has more may as well lie before them.

    Numbers of frames that differ by one or two are accepted only if the pictures show that the
    frames without a partner are the last ones. `path` is changed to lead there.
    """
    found = np.zeros(len(path), dtype=np.bool_)
    columns = np.flatnonzero(offsets == -seen.surplus)
    if not 0 < abs(seen.surplus) <= _BESIDE or not len(columns) or offsets[path[-1]]:
        return found
    total = cost[::-1, columns[0]].cumsum()[::-1][: len(path) - _FEWEST + 1]
    if not len(total) or total.min() > _OPEN:
        return found
    start = int(total.argmin())
    if (np.ptp(cost[start:], axis=1) > _TELLS).sum() >= _FEWEST:
        path[start:], found[start:] = columns[0], True
    return found


def _swaps(seen: _Seen, off: Sequence[Stretch]) -> tuple[int, ...]:
    """Frames that show the next one's picture while the next one shows theirs.

    In each other's place, two frames step backwards where the reference steps forwards. What that
    gains, as squared distance, is compared with the usual distance of the pictures.
    """
    rows, there = _rows(seen.numbers, seen.ours)
    # Where another offset holds for longer, no frame is in its own place.
    moved = np.zeros(len(seen.compared), dtype=np.bool_)
    for item in off:
        if item.last - item.first >= _BESIDE:
            moved |= (seen.compared >= item.first) & (seen.compared <= item.last)
    beside = there[:-1] & there[1:] & ~moved[:-1] & ~moved[1:]
    beside &= (np.diff(seen.compared) == 1) & (np.diff(seen.ours) == 1)
    ours, theirs = (side.reshape(len(side), -1) for side in (seen.level[rows], seen.detail))
    n_pixels = ours.shape[1]
    apart = ours - theirs
    error = np.einsum("np,np->n", apart, apart) / n_pixels
    usual = np.minimum(np.maximum(error[:-1], error[1:]), np.median(error)) + _FLOOR
    step, shown = np.diff(ours, axis=0), np.diff(theirs, axis=0)
    forwards = np.einsum("np,np->n", step, shown) / n_pixels
    moved_by = np.einsum("np,np->n", step, step) / n_pixels
    # An encode that hardly follows the reference's steps wavers, and must be clearer.
    followed = forwards[beside].sum() / (moved_by[beside].sum() + _FLOOR)
    clear = _SWAPPED / min(max(followed, _LEAST_FOLLOWED), 1.0)
    places = np.flatnonzero(beside & (-2 * forwards >= clear * usual))
    return tuple(int(frame) for frame in seen.compared[places])


def _misfit(apart: Float[np.ndarray, "n k n_blocks"], path: Int[np.ndarray, " n"]) -> float:
    chosen = apart[np.arange(len(path)), path].mean(axis=1)
    known = chosen < _NOWHERE
    return float(chosen[known].mean()) if known.any() else 0.0


def _usual_change(seen: _Seen) -> float:
    """Mean squared distance of pictures of the reference that are some frames apart."""
    rows, there = _rows(seen.numbers, seen.numbers + REACH)
    step = seen.level[rows[there]] - seen.level[there]
    return float(np.square(step).mean()) + _FLOOR if step.size else _NOWHERE


def _likeness(ours: Float[np.ndarray, "n k p"], theirs: Float[np.ndarray, "n k p"]) -> float | None:
    n_pixels = ours.shape[1] * ours.shape[2]
    norms = [np.sqrt(np.einsum("nkp,nkp->n", side, side) / n_pixels) for side in (ours, theirs)]
    tell = (norms[0] > _CONTRAST) & (norms[1] > _CONTRAST)
    if not tell.any():
        return None
    product = np.einsum("nkp,nkp->n", ours, theirs) / n_pixels
    return float(np.median(product[tell] / (norms[0] * norms[1])[tell]))


def _likely(seen: _Seen, *, far: int) -> Int[np.ndarray, " n_offsets"]:
    """Far offsets that fit best at some frames, most often first, behind no offset."""
    # All against all by one matrix product, on pictures of one norm.
    every = max(1, len(seen.detail) // 300)
    unit = [
        side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
        for side in (
            picture.reshape(len(picture), -1) for picture in (seen.level, seen.detail[::every])
        )
    ]
    alike = unit[1] @ unit[0].T
    lag = seen.numbers[None, :] - seen.ours[::every, None]
    alike[np.abs(lag) > far] = -1
    best = np.take_along_axis(lag, alike.argmax(axis=1)[:, None], axis=1).ravel()
    offsets, votes = np.unique(best[np.abs(best) <= far], return_counts=True)
    offsets = offsets[np.argsort(-votes, kind="stable")][:_CANDIDATES]
    return np.array([0, *(int(item) for item in offsets if item)])
