"""A second device that no machine here has: tensors that say they are on it, and that refuse what it would refuse.

The numbers lie in the memory of the CPU and are computed there, so an operation runs to its end and its result can be
compared with the CPU's. What fails: tensors of two devices in one operator, float64 where the device has none, and
operators that it lacks. Only torch is watched: numpy and OpenCV work on the CPU anyway.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "fakegpu"

LACKING = (
    "_linalg_eigh", "_linalg_svd", "linalg_qr", "linalg_lstsq", "linalg_eig", "_linalg_eigvals", "geqrf", "ormqr",
    "kthvalue", "cummax", "cummin", "_cummax_helper", "_cummin_helper", "histogram", "histogramdd_bin_edges",
    "segment_reduce", "index_reduce", "upsample_nearest3d", "grid_sampler_3d", "_ctc_loss", "max_unpool2d",
    "batch_norm_update_stats", "fft_fft", "logspace",
)  # fmt: skip
"""Operators that torch 2.11, the oldest that Inlay takes, does not have on MPS, or that nobody has seen there."""


class _Module:
    """What torch asks of a backend: `torch.fakegpu`."""

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def current_device() -> int:
        return 0

    @staticmethod
    def _is_in_bad_fork() -> bool:
        return False

    @staticmethod
    def manual_seed_all(seed: int) -> None: ...

    @staticmethod
    def get_amp_supported_dtype() -> list[torch.dtype]:
        return [torch.float16, torch.bfloat16]


_setup_privateuseone_for_python_backend(NAME, _Module)
_AUTOCAST = torch.library.Library("_", "IMPL")
_AUTOCAST.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
"""Autocast can be entered there, and casts nothing."""


class FakeDeviceError(AssertionError):
    """The real device would have raised here."""


class FakeTensor(Tensor):
    """A tensor of the fake device; `held` are its numbers on the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, real: Tensor) -> FakeTensor:
        made = torch.Tensor._make_wrapper_subclass(
            cls, real.shape, strides=real.stride(), storage_offset=real.storage_offset(), dtype=real.dtype,
            device=torch.device(NAME, 0), requires_grad=real.requires_grad,
        )  # fmt: skip
        made.held = real
        return made

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"FakeTensor({self.held!r})"

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return run(func, args, kwargs or {})


class FakeDevice(TorchDispatchMode):
    """While it is entered, `device="fakegpu"` makes such tensors. `seen` collects the operators that ran there."""

    def __init__(self, seen: set[str] | None = None) -> None:
        super().__init__()
        self.seen = set() if seen is None else seen

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and torch's compiler takes seconds to import

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return run(func, args, kwargs or {}, self.seen)


def run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seen: set[str] | None = None) -> Any:
    """An operator on the device of its tensors, or of its `device`."""
    name = func.overloadpacket.__name__
    given = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)]
    if name == "_has_compatible_shallow_copy_type":
        return len({type(x) for x in given}) == 1
    fakes = [x for x in given if isinstance(x, FakeTensor)]
    asked = next((x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.device)), None)
    target = asked.type if asked is not None else (NAME if fakes else "cpu")
    if not fakes and target != NAME:
        return func(*args, **kwargs)
    copies = name in ("_to_copy", "copy_") or asked is not None
    others = [x for x in given if not isinstance(x, FakeTensor) and x.dim()]
    if fakes and others and not copies and not _index_of(name, others, args):
        raise FakeDeviceError(f"{name} gets tensors of two devices: {NAME} and cpu, {[tuple(x.shape) for x in others]}")
    if name in LACKING:
        raise FakeDeviceError(f"{NAME} lacks the operator {name}")
    wants_double = torch.float64 in tree_flatten((args, kwargs))[0] and target == NAME
    if wants_double or any(x.dtype == torch.float64 for x in fakes):
        raise FakeDeviceError(f"{name} asks for float64, which {NAME} does not have")
    if seen is not None:
        seen.add(name)
    real_args, real_kwargs = tree_map(_real, (args, kwargs))
    result = func(*real_args, **real_kwargs)
    if target == "cpu":
        return result
    if name == "copy_" and fakes and not isinstance(args[0], FakeTensor):
        return args[0]
    doubles = [x for x in tree_flatten(result)[0] if isinstance(x, Tensor) and x.dtype == torch.float64]
    if doubles:
        raise FakeDeviceError(f"{name} gives float64, which {NAME} does not have")
    written = [given for given in func._schema.returns if given.alias_info is not None and given.alias_info.is_write]
    if written and name.endswith("_"):
        return args[0]
    if written:
        outs = tuple(kwargs[given.name] for given in func._schema.arguments if given.is_out)
        return outs if len(outs) > 1 else outs[0]
    is_view = any(given.alias_info is not None for given in func._schema.returns)
    with torch.inference_mode(torch.is_inference_mode_enabled() and not (is_view and not args[0].is_inference())):
        return tree_map(_fake, result)  # a view is what its base is


def _real(x: Any) -> Any:
    if isinstance(x, torch.device):
        return torch.device("cpu")
    return x.held if isinstance(x, FakeTensor) else x


def _fake(x: Any) -> Any:
    return FakeTensor(x) if isinstance(x, Tensor) and not isinstance(x, FakeTensor) else x


def _index_of(name: str, others: list[Tensor], args: tuple[Any, ...]) -> bool:
    """Whether the tensors of the CPU are indices, which every device takes."""
    if name not in ("index", "index_put", "index_put_", "_unsafe_index"):
        return False
    indices = [x for x in tree_flatten(args[1])[0] if isinstance(x, Tensor)]
    return all(any(x is index for index in indices) for x in others)


class _Generator(torch.Generator):
    """For the fake device it is one of the CPU."""

    def __new__(cls, device: Any = "cpu") -> _Generator:
        return super().__new__(cls, "cpu")


def _made_here(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`torch.tensor` that makes its tensor on the CPU and moves it."""

    def made(*given: Any, device: Any = None, **named: Any) -> Tensor:
        if device is None or torch.device(device).type != NAME or any(isinstance(x, Tensor) for x in given):
            return make(*given, **named) if device is None else make(*given, device=device, **named)
        return make(*given, **named).to(device)

    return made


@contextlib.contextmanager
def fake_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    """The fake device, for the time of a `with`, in this thread and in those that pools start."""
    mode, submit = FakeDevice(), ThreadPoolExecutor.submit

    def submit_inside(pool: ThreadPoolExecutor, run: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def inside() -> Any:
            with FakeDevice(mode.seen):
                return run(*args, **kwargs)

        return submit(pool, inside)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit_inside)
    monkeypatch.setattr(torch, "Generator", _Generator)
    for name in ("tensor", "as_tensor"):  # which make a tensor from numbers without asking any mode
        monkeypatch.setattr(torch, name, _made_here(getattr(torch, name)))
    with mode:
        yield mode
