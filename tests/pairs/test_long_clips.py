# SPDX-License-Identifier: Apache-2.0
"""What is said of long clips, of which only some moments are looked at."""

import re

import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import MisalignedError
from tinyvmaf.media.video import Video
from tinyvmaf.pairs import looking
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.looking import look
from tinyvmaf.pairs.proof import verify

pytestmark = pytest.mark.ffmpeg

DROPPED = 600
LOST = f"select='not(eq(n,{DROPPED}))',setpts=N/25/TB,tpad=stop=1:stop_mode=clone"
X264 = ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "250"]


@pytest.fixture(scope="module")
def long_reference(clips, make_video, tmp_path_factory):
    """1,100 frames of a clip that is repeated while the view pans over it."""
    pan = "crop=160:90:'80+80*sin(n/23)':'23+20*sin(n/31)'"
    graph = f"scale=320:136,loop=loop=-1:size=100,setpts=N/25/TB,{pan}"
    path = tmp_path_factory.mktemp("long") / "reference.mkv"
    options = ["-i", clips["bikes"], "-vf", graph, "-r", 25, "-frames:v", 1100]
    return make_video(path, *options, *X264, "-crf", 8)


def long_pair(reference, make_video, *filters):
    path = reference.parent / f"{len(filters)}.mkv"
    if not path.exists():
        graph = ",".join(["null", *filters])
        make_video(path, "-i", reference, "-vf", graph, *X264, "-crf", 28)
    return Pair.of_files(reference=Video(reference), distorted=Video(path))


def test_a_long_clip_that_fits_is_looked_at_in_few_places(long_reference, make_video):
    pair = verify(check(long_pair(long_reference, make_video)))
    assert pair.notes == ()
    seen = look(pair)
    assert len(seen.reference.frames) + len(seen.distorted.frames) < 400
    assert seen.distorted.frames[-1] == 1099


def test_a_frame_that_lacks_in_a_long_clip_is_found(long_reference, make_video, monkeypatch):
    windows = []
    plain = looking.some_pictures

    def counted(video, some, closer):
        windows.append(list(some))
        return plain(video, windows[-1], closer)

    monkeypatch.setattr(looking, "some_pictures", counted)
    with pytest.raises(MisalignedError) as caught:
        verify(check(long_pair(long_reference, make_video, LOST)))
    frame = re.search(r"from frame (\d+) of distorted on", str(caught.value))
    assert frame is not None
    assert abs(int(frame[1]) - DROPPED) <= 3
    assert sum(last - first + 1 for some in windows for first, last in some) < 1200


def test_sync_matches_a_long_clip_piece_by_piece(long_reference, make_video):
    pair = check(long_pair(long_reference, make_video, LOST), sync=True)
    first, second = pair.matching.runs
    assert abs(first.n_frames - DROPPED) <= 3
    assert second.reference - second.distorted == 1
    verify(pair)
