# SPDX-License-Identifier: Apache-2.0
"""Parsing of ffmpeg's messages during a decode: damage, inserted filters, frames of each input.

Ffmpeg conceals what it cannot decode and exits with status 0; only its messages show it. The input
is the lines of its stderr at the log level `VERBOSE`, the output the lines for a user and what they
say about every input. Lines about streams that are not decoded, such as sound, count for nothing.
"""

import re
from dataclasses import dataclass, field
from typing import Final

VERBOSE: Final = "repeat+level+verbose"
"""The log level that `Diagnostics` reads: every line with its level, none summed up."""

_LINE: Final = re.compile(r"(?P<contexts>(?:\[[^\[\]]* @ 0x[0-9a-f]+\] )*)\[(?P<level>[a-z]+)\] ?")
_ADDRESS: Final = re.compile(r" @ 0x[0-9a-f]+")
_MAPPED: Final = re.compile(r" *Stream #(\d+):(\d+) \((\w+)\) -> ")
_INPUT: Final = re.compile(r"\[(?:in|vist)#(\d+)[:/]")
_DECODED: Final = re.compile(
    r" *Input stream #(\d+):(\d+) \(video\): .*; (\d+) frames decoded; (\d+) decode errors"
)
_PACKET: Final = re.compile(r"(?:corrupt input packet in stream|Packet corrupt \(stream =) ?(\d+)")
_CROPPED: Final = re.compile(r" *Frame cropping: ", re.IGNORECASE)
_INSERTED: Final = re.compile(r"auto-inserting filter '(\w+)'")
_LOUD: Final = frozenset({"error", "fatal", "panic"})

# Messages about pictures whose reference pictures are missing, as at a cut; the decoder drops them.
# Only reading every packet shows whether that is at the start, where it is ordinary.
_MISSING: Final = (
    "co located POCs unavailable",
    "mmco: unref short failure",
    "non-existing PPS",
    "non-existing SPS",
    "no frame!",
    "decode_slice_header error",
    "PPS id out of range",
    "SPS id out of range",
    "Could not find ref with POC",
    "Error constructing the frame RPS",
    "Invalid frame dimensions 0x0",
    "Missing reference picture",
    "reference picture missing during reorder",
)


def is_about_missing_pictures(text: str) -> bool:
    """True if a decoder reports in `text` that a reference picture is missing."""
    return any(words in text for words in _MISSING)


@dataclass(slots=True)
class Stream:
    """Ffmpeg's messages about one video that it decoded.

    Attributes:
        number: Number of the input, from 0.
        decoder: Its name.
        n_decoded: Frames that were decoded; None until ffmpeg reports it.
        damage: Signs that its pictures are not what was encoded, in ffmpeg's words.
        doubts: The same from its decoder, which another video may have, too; or signs of missing
            pictures, which are damage unless they stand at the start.
    """

    number: int
    index: int
    decoder: str
    n_decoded: int | None = None
    damage: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


class Diagnostics:
    """Takes the lines of one run of ffmpeg, one after the other.

    Attributes:
        streams: The videos that were decoded, by the number of their input.
        inserted: Filters that ffmpeg put into the graph by itself.
        reconfigured: True if a video changed its size, format or tags in the middle.
        cropped: True if the container of a video crops its pictures.
    """

    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {}
        self.inserted: list[str] = []
        self.reconfigured = False
        self.cropped = False

    def hear(self, line: str) -> str | None:
        """Take a line; it comes back, without its level, if a user should see it."""
        head = _LINE.match(line)
        if head is None:
            # Libvmaf speaks past ffmpeg.
            return line if "ERROR" in line else None
        text = line[head.end() :]
        contexts, level = _ADDRESS.sub("", head["contexts"]), head["level"]
        if level == "info" and (mapped := _MAPPED.match(text)) is not None:
            number, index, decoder = mapped.groups()
            # A video that two chains read is mapped twice.
            self.streams.setdefault(int(number), Stream(int(number), int(index), decoder))
        elif (counted := _DECODED.match(text)) is not None:
            self._count(*map(int, counted.groups()))
        elif level in {"verbose", "info"}:
            self._notice(text)
        else:
            self._judge(contexts, level, text)
        return contexts.strip() + " " * bool(contexts) + text if level in _LOUD else None

    def _count(self, number: int, index: int, n_decoded: int, n_errors: int) -> None:
        stream = self.streams.get(number)
        if stream is None or stream.index != index:
            return
        stream.n_decoded = n_decoded
        if n_errors:
            stream.damage.append(f"{n_errors} packets could not be decoded")

    def _notice(self, text: str) -> None:
        if (found := _INSERTED.search(text)) is not None:
            self.inserted.append(found[1])
        self.cropped |= _CROPPED.match(text) is not None
        self.reconfigured |= text.startswith("Reconfiguring filter graph")

    def _judge(self, contexts: str, level: str, text: str) -> None:
        """Remember a warning or an error of a stream that is decoded."""
        if (named := _INPUT.match(contexts)) is not None:
            stream = self.streams.get(int(named[1]))
            if stream is not None and self._is_damage(stream, level, text):
                stream.damage.append(text)
            return
        if level not in _LOUD:
            return
        told = [
            stream for stream in self.streams.values() if contexts.startswith(f"[{stream.decoder}]")
        ]
        for stream in told:
            # Two videos may have the same decoder; ffmpeg does not say which one a message is
            # about.
            sure = len(told) == 1 and not is_about_missing_pictures(text)
            (stream.damage if sure else stream.doubts).append(text)

    @staticmethod
    def _is_damage(stream: Stream, level: str, text: str) -> bool:
        if (packet := _PACKET.match(text)) is not None:
            return int(packet[1]) == stream.index
        return level in _LOUD or text.startswith("corrupt decoded frame")
