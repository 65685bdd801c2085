"""Which transport an endpoint gets."""

from __future__ import annotations

import os

from ..server.endpoint import Endpoint
from .transport import Transport, TransportError


def load_transport(endpoint: Endpoint) -> Transport:
    """The transport for an endpoint: pyzmq where it imports; INLAY_TRANSPORT=pyzmq or pure forces one.

    Raises TransportError when the endpoint asks for encryption and there is only the pure one.
    """
    forced = os.environ.get("INLAY_TRANSPORT", "")
    if forced not in ("", "pyzmq", "pure"):
        raise TransportError(f"INLAY_TRANSPORT is {forced!r}", "Set it to pyzmq or pure, or leave it out.")
    if forced != "pure":
        try:
            from .pyzmq import PyzmqTransport

            return PyzmqTransport()
        except ImportError as error:
            if forced:
                raise TransportError(f"pyzmq cannot be imported: {error}", "Leave INLAY_TRANSPORT out.") from None
    from .zmtp import PureTransport

    if endpoint.secure:
        raise TransportError(
            "the connection to this backend is encrypted (CURVE), which needs pyzmq, and this Python has none",
            "Run python3 -m installer: it puts pyzmq where the editor finds it.",
        )
    return PureTransport()
