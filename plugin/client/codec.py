"""Messages to frames and back. No sockets here; docs/protocol.md is the specification.

A message is: a signature frame, a JSON header frame, then one frame per image (and per color profile). The header
says what every frame must hold, and `decode` checks it against the frames' sizes and the limits before anything is
built on it.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from .image import Bytes, PixelFormat, Raster, Reference
from .messages import ErrorCode, Failure, Job, JobState, Progress, Result

VERSION = 2
SIGNATURE = b"INLAY\x02"

_DIGEST = re.compile(r"[0-9a-f]{32}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class ProtocolError(Exception):
    """The frames are no message of this protocol; `code` is what to answer."""

    def __init__(self, message: str, code: ErrorCode = ErrorCode.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Limits:
    """What a receiver is willing to take in one message."""

    header_bytes: int = 1 << 20
    rasters: int = 32
    raster_bytes: int = 4 << 30
    message_bytes: int = 8 << 30
    profile_bytes: int = 16 << 20


# Client to backend, work socket.


@dataclass(frozen=True, slots=True)
class Hello:
    """First message of a client on either socket. Answered by Welcome."""

    client: str
    version: int = VERSION
    program: str = ""


@dataclass(frozen=True, slots=True)
class Submit:
    """Run this job. Answered by Progress messages, then Result or Failed."""

    client: str
    job: Job


@dataclass(frozen=True, slots=True)
class Fetch:
    """Send the state, and the result if there is one, of a job again (after a reconnect)."""

    client: str
    job: str


@dataclass(frozen=True, slots=True)
class Release:
    """The result has arrived; the backend may forget it."""

    client: str
    job: str


# Client to backend, control socket. Every one of these is answered at once, whatever runs.


@dataclass(frozen=True, slots=True)
class Ping:
    """Renews the client's lease, too. Answered by Status."""

    client: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a job. Answered by Progress with the job's state."""

    client: str
    job: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """End the backend. Answered by Status."""

    client: str


# Backend to client.


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer to Hello."""

    version: int
    lease: float  # seconds without a word after which the client counts as gone
    actions: list[str]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How one job is."""

    job: str
    action: str
    state: JobState
    fraction: float
    message: str


@dataclass(frozen=True, slots=True)
class Status:
    """The backend's state, for the docker and `inlay doctor`."""

    version: int
    pid: int
    uptime: float
    device: str
    worker: str  # "stopped", "starting", "idle", "busy"
    memory: int  # bytes held by the workers
    jobs: list[JobStatus]
    log: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A job failed, or (job empty) a request could not be served."""

    job: str
    failure: Failure


Message = Hello | Submit | Fetch | Release | Ping | Cancel | Shutdown | Welcome | Status | Failed | Progress | Result

TYPES: dict[str, type[Any]] = {
    t.__name__.lower(): t
    for t in (Hello, Submit, Fetch, Release, Ping, Cancel, Shutdown, Welcome, Status, Failed, Progress, Result)
}


def encode(message: Message) -> list[Bytes]:
    """Frames of a message. Pixel data is passed on as it is, not copied. Raises ValueError for a number not finite."""
    frames: list[Bytes] = [SIGNATURE, b""]
    header = {"type": type(message).__name__.lower(), "body": _pack(message, frames)}
    frames[1] = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    return frames


def decode(frames: Sequence[Bytes], limits: Limits | None = None) -> Message:
    """The message in `frames`; images are views of the frames. Raises ProtocolError."""
    limits = limits or Limits()
    views = [memoryview(frame).cast("B") if memoryview(frame).nbytes else memoryview(b"") for frame in frames]
    if len(views) < 2 or bytes(views[0][:5]) != SIGNATURE[:5]:
        raise ProtocolError("not an Inlay message")
    if views[0] != SIGNATURE:
        raise ProtocolError("the message is of another version of the protocol", ErrorCode.VERSION)
    if views[1].nbytes > limits.header_bytes:
        raise ProtocolError(f"a header of {views[1].nbytes} bytes; at most {limits.header_bytes} are taken")
    if len(views) > 2 + 2 * limits.rasters or sum(v.nbytes for v in views) > limits.message_bytes:
        raise ProtocolError("the message is too large", ErrorCode.TOO_LARGE)
    try:
        header = json.loads(str(views[1], "utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the header is no JSON: {error}") from None
    if not isinstance(header, dict) or set(header) != {"type", "body"} or str(header["type"]) not in TYPES:
        raise ProtocolError("the header names no known message")
    kind = TYPES[str(header["type"])]
    reader = _Reader(views[2:], limits, references=kind is Submit)
    message: Message = reader.read(kind, header["body"])
    return message


def _pack(value: Any, frames: list[Bytes]) -> Any:
    if isinstance(value, Raster):
        packed: dict[str, Any] = {"format": str(value.format), "box": list(value.box), "digest": value.digest()}
        if isinstance(value, Reference):
            return packed
        packed["frame"] = len(frames) - 2
        frames.append(value.data)
        if value.profile:
            packed["profile"] = len(frames) - 2
            frames.append(value.profile)
        return packed
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: _pack(item, frames) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_pack(item, frames) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return {f.name: _pack(getattr(value, f.name), frames) for f in fields(value)}


_hints = cache(get_type_hints)


def _plain(value: Any) -> bool:
    """Whether a JSON value is one that every receiver can handle: finite, of 64 bits, text that can be written out."""
    if isinstance(value, str):
        return not _SURROGATE.search(value)
    return math.isfinite(value) if isinstance(value, float) else -(1 << 63) <= value < 1 << 63


class _Reader:
    """Builds typed values from a parsed header, taking images from `frames`."""

    def __init__(self, frames: list[memoryview], limits: Limits, references: bool) -> None:
        self.frames, self.limits, self.references = frames, limits, references

    def read(self, kind: Any, value: Any) -> Any:
        origin, args = get_origin(kind), get_args(kind)
        if kind is Raster:
            return self.raster(value)
        if origin in (Union, types.UnionType):
            return self.union(args, value)
        if origin in (list, tuple):
            self.demand(isinstance(value, list), value, "a list")
            return origin(self.read(args[0], item) for item in value)
        if origin is dict:
            self.demand(isinstance(value, dict) and all(map(_plain, value)), value, "an object")
            return {key: self.read(args[1], item) for key, item in value.items()}
        if isinstance(kind, type) and issubclass(kind, Enum):
            self.demand(value in [member.value for member in kind], value, f"a {kind.__name__}")
            return kind(value)
        if kind is float:
            self.demand(type(value) in (int, float) and _plain(value), value, "a number")
            return float(value)
        if kind in (bool, int, str):
            self.demand(type(value) is kind and _plain(value), value, kind.__name__)
            return value
        return self.record(kind, value)

    def union(self, kinds: tuple[Any, ...], value: Any) -> Any:
        if type(None) in kinds:
            return None if value is None else self.read(kinds[0], value)
        self.demand(type(value) in kinds and _plain(value), value, "a value")
        return value

    def record(self, kind: Any, value: Any) -> Any:
        self.demand(isinstance(value, dict), value, f"a {kind.__name__}")
        hints = _hints(kind)
        self.demand(set(value) == set(hints), sorted(value), f"exactly the fields {', '.join(hints)}")
        return kind(**{name: self.read(hint, value[name]) for name, hint in hints.items()})

    def raster(self, value: Any) -> Raster:
        self.demand(isinstance(value, dict), value, "an image")
        names = {"format", "box", "digest", "frame"}
        whole = names <= set(value) <= names | {"profile"}
        by_reference = self.references and set(value) == names - {"frame"}
        self.demand(whole or by_reference, sorted(value), f"exactly the fields {', '.join(names)}")
        digest, box = self.read(str, value["digest"]), self.read(list[int], value["box"])
        self.demand(len(box) == 4 and all(abs(side) < 1 << 31 for side in box), box, "x, y, width, height")
        self.demand(_DIGEST.fullmatch(digest) is not None, digest, "a digest of 32 hexadecimal digits")
        try:
            pixel_format = PixelFormat.parse(self.read(str, value["format"]))
            if by_reference:
                reference = Reference(pixel_format, box[2], box[3], x=box[0], y=box[1], key=digest)
                self.demand_size(reference.nbytes, self.limits.raster_bytes)
                return reference
            data = self.frame(value["frame"], self.limits.raster_bytes)
            profile = bytes(self.frame(value["profile"], self.limits.profile_bytes)) if "profile" in value else b""
            return Raster(pixel_format, box[2], box[3], data, box[0], box[1], profile, key=digest)
        except ValueError as error:
            raise ProtocolError(str(error)) from None

    def frame(self, index: Any, limit: int) -> memoryview:
        number: int = self.read(int, index)
        self.demand(0 <= number < len(self.frames), number, f"one of {len(self.frames)} frames")
        self.demand_size(self.frames[number].nbytes, limit)
        return self.frames[number]

    @staticmethod
    def demand_size(nbytes: int, limit: int) -> None:
        if nbytes > limit:
            raise ProtocolError(f"an image of {nbytes} bytes; at most {limit} are taken", ErrorCode.TOO_LARGE)

    @staticmethod
    def demand(holds: bool, value: Any, wanted: str) -> None:
        if not holds:
            raise ProtocolError(f"{str(value)[:80]!r} where {wanted} is wanted")
