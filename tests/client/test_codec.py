"""Every message survives the way; nothing but ProtocolError comes of frames that are not one."""

from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.client.actions import ResultKind
from plugin.client.codec import SIGNATURE, TYPES, Hello, Limits, Ping, ProtocolError, Submit, Welcome, decode, encode
from plugin.client.image import CHANNELS, DEPTHS, PixelFormat, Raster, Reference
from plugin.client.messages import ErrorCode, Job, JobState, Output, Progress, Result

FORMATS = [PixelFormat(c, d, linear) for c in CHANNELS for d in DEPTHS for linear in (False, True)]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def rasters(draw: st.DrawFn) -> Raster:
    pixel_format = draw(st.sampled_from(FORMATS))
    width, height = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    size = width * height * pixel_format.bytes_per_pixel
    offset = st.integers(-(2**31) + 1, 2**31 - 1)
    data = draw(st.binary(min_size=size, max_size=size))
    return Raster(pixel_format, width, height, data, draw(offset), draw(offset), draw(st.binary(max_size=9)))


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of type `kind` may hold."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Raster:
        return rasters()
    if origin is UnionType or type(None) in args:
        return st.one_of(*map(values_of, args))
    if origin is list:
        return st.lists(values_of(args[0]), max_size=2)
    if origin is tuple:
        return st.lists(values_of(args[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXT, values_of(args[1]), max_size=2)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    plain = {bool: st.booleans(), int: st.integers(-(2**63), 2**63 - 1), float: numbers, str: TEXT}
    return st.none() if kind is type(None) else plain[kind]


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_message_comes_out_as_it_went_in(kind: type, data: st.DataObject) -> None:
    message = data.draw(values_of(kind))
    assert decode(encode(message)) == message
    assert decode([bytearray(frame) for frame in encode(message)]) == message


@pytest.mark.parametrize("pixel_format", FORMATS, ids=str)
def test_every_pixel_format_comes_out_as_it_went_in(pixel_format: PixelFormat) -> None:
    size = 3 * 2 * pixel_format.bytes_per_pixel
    raster = Raster(pixel_format, 3, 2, bytes(range(size)), -7, 9, b"profile")
    message = decode(encode(Submit("c", Job("a", {}, {"image": raster}, "1"))))
    assert isinstance(message, Submit)
    got = message.job.inputs["image"]
    assert (got, got.digest()) == (raster, raster.digest())


def submit() -> Submit:
    raster = Raster(PixelFormat("RGBA", "u8"), 4, 4, bytes(range(64)), 1, 2, b"icc")
    named = Reference(raster.format, 4, 4, x=-5, y=6, key=raster.digest())
    inputs = {"one": raster, "two": raster, "three": named}
    return Submit("c" * 32, Job("a.b", {"n": 1, "x": 0.5, "t": "text", "s": True}, inputs))


def with_header(change: Any) -> list[Any]:
    """Frames of a good message whose header `change` has spoilt."""
    frames = encode(submit())
    header = json.loads(bytes(frames[1]))
    return [frames[0], json.dumps(change(header) or header).encode(), *frames[2:]]


def one(header: dict[str, Any]) -> dict[str, Any]:
    return header["body"]["job"]["inputs"]["one"]


def three(header: dict[str, Any]) -> dict[str, Any]:
    """The image that comes by reference."""
    return header["body"]["job"]["inputs"]["three"]


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.update(type="nothing"),
        lambda h: h.update(type=["hello"]),
        lambda h: h.update(more=1),
        lambda h: h.update(body=None),
        lambda h: h["body"].pop("client"),
        lambda h: h["body"].update(client=7),
        lambda h: h["body"].update(client="\ud800"),
        lambda h: h["body"]["job"]["parameters"].update(n=1 << 70),
        lambda h: h["body"]["job"]["parameters"].update(n=math.nan),
        lambda h: h["body"]["job"]["parameters"].update(n=[1]),
        lambda h: one(h).update(frame=99),
        lambda h: one(h).update(frame=-1),
        lambda h: one(h).update(frame=True),
        lambda h: one(h).update(box=[0, 0, 5, 4]),
        lambda h: one(h).update(box=[0, 0, -4, -4]),
        lambda h: one(h).update(box=[1 << 40, 0, 4, 4]),
        lambda h: one(h).update(box=[0, 0, 1 << 30, 1 << 30]),
        lambda h: one(h).update(format="RGBA u64"),
        lambda h: one(h).update(digest="../../etc"),
        lambda h: one(h).pop("digest"),
        lambda h: one(h).pop("frame"),  # a profile alone
        lambda h: three(h).update(profile=1),
        lambda h: three(h).update(box=[0, 0, 0, 4]),
        lambda h: three(h).update(box=[1 << 40, 0, 4, 4]),
        lambda h: three(h).update(format="RGBA u64"),
        lambda h: three(h).update(digest="../../etc"),
        lambda h: three(h).pop("digest"),
        lambda h: [h],
    ],
)
def test_a_header_that_is_wrong_is_refused(change: Any) -> None:
    with pytest.raises(ProtocolError):
        decode(with_header(change))


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [SIGNATURE],
        [b"HTTP/1.1", b"{}"],
        [SIGNATURE, b""],
        [SIGNATURE, b"\xff\xfe{}"],
        [SIGNATURE, b"[" * 100_000],
        [SIGNATURE, b'{"type":"ping","body":{"client":' + b"9" * 5000 + b"}}"],
    ],
)
def test_frames_that_are_no_message_are_refused(frames: list[bytes]) -> None:
    with pytest.raises(ProtocolError):
        decode(frames)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    body = {"version": 1, "lease": 10**400, "actions": []}
    with pytest.raises(ProtocolError):
        decode([SIGNATURE, json.dumps({"type": "welcome", "body": body}).encode()])
    assert decode(encode(Welcome(1, 10.0, []))) == Welcome(1, 10.0, [])


def test_another_version_is_told_from_rubbish() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode([b"INLAY\x01", b"{}"])
    assert caught.value.code is ErrorCode.VERSION


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(header_bytes=10), ErrorCode.BAD_REQUEST),
        (Limits(raster_bytes=63), ErrorCode.TOO_LARGE),
        (Limits(message_bytes=200), ErrorCode.TOO_LARGE),
        (Limits(profile_bytes=2), ErrorCode.TOO_LARGE),
        (Limits(rasters=1), ErrorCode.TOO_LARGE),
    ],
)
def test_what_is_beyond_a_limit_is_refused(limits: Limits, code: ErrorCode) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(encode(submit()), limits)
    assert caught.value.code is code


def test_a_reference_comes_out_as_it_went_in_and_brings_no_frame() -> None:
    message, frames = submit(), encode(submit())
    assert len(frames) == 2 + 2 * 2  # pixels and profile of the two whole images
    got = decode(frames)
    assert isinstance(got, Submit)
    named = got.job.inputs["three"]
    assert isinstance(named, Reference)
    assert (named, named.key) == (message.job.inputs["three"], message.job.inputs["one"].digest())


def test_a_reference_is_only_taken_in_a_submit() -> None:
    named = Reference(PixelFormat("RGBA", "u8"), 4, 4, key="0" * 32)
    result = Result("1", (Output(ResultKind.LAYER, "n", named),))
    for message in (result, Progress("1", JobState.RUNNING, preview=named)):
        with pytest.raises(ProtocolError, match="frame"):
            decode(encode(message))


def test_a_reference_to_more_than_the_limit_is_refused() -> None:
    named = Reference(PixelFormat("RGBA", "f32"), 1 << 17, 1 << 17, key="0" * 32)
    with pytest.raises(ProtocolError) as caught:
        decode(encode(Submit("c", Job("a", {}, {"image": named}, "1"))))
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_images_are_not_copied() -> None:
    data = bytearray(64)
    raster = Raster(PixelFormat("RGBA", "u8"), 4, 4, data)
    message = decode(encode(Result("1", (Output(ResultKind.LAYER, "n", raster),))))
    assert isinstance(message, Result)
    data[0] = 9
    assert message.outputs[0].raster.data[0] == 9


def test_a_header_cannot_make_the_receiver_take_memory() -> None:
    frames = with_header(lambda h: one(h).update(box=[0, 0, 131072, 131072]))
    tracemalloc.start()
    with pytest.raises(ProtocolError):
        decode(frames)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_mutated_frames_give_a_message_or_a_protocol_error(data: st.DataObject) -> None:
    frames = [bytearray(bytes(frame)) for frame in encode(submit())]
    for _ in range(data.draw(st.integers(1, 4))):
        frame = frames[data.draw(st.integers(0, len(frames) - 1))]
        what = data.draw(st.sampled_from(["flip", "cut", "insert", "drop", "swap"]))
        place = data.draw(st.integers(0, max(0, len(frame) - 1)))
        if what == "flip" and frame:
            frame[place] ^= data.draw(st.integers(1, 255))
        elif what == "cut":
            del frame[place:]
        elif what == "insert":
            frame[place:place] = data.draw(st.sampled_from([b"\0", b"[", b'"', b"1e999", b"NaN", b"null", b"{}", b"-"]))
        elif what == "drop" and len(frames) > 1:
            frames.remove(frame)
        else:
            frames.append(frames.pop(0))
    try:
        message = decode(frames)
    except ProtocolError:
        return
    decode(encode(message))


@settings(max_examples=150, deadline=None)
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    ),
    kind=st.sampled_from(sorted(TYPES)),
)
def test_any_json_gives_a_message_or_a_protocol_error(header: Any, kind: str) -> None:
    for text in (header, {"type": kind, "body": header}, {"type": header, "body": {}}):
        try:
            decode([SIGNATURE, json.dumps(text).encode(), b"1234"])
        except ProtocolError:
            continue
        assert kind == "ping"


def test_a_message_that_no_json_can_hold_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(Progress("1", JobState.RUNNING, math.nan))
    assert decode(encode(replace(Hello("c"), program="gimp"))) == Hello("c", program="gimp")
    assert decode(encode(Ping("c"))) == Ping("c")
