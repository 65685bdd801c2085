"""A Krita plug-in for the tests: runs Python sent over a socket on Krita's main thread.

A request is one JSON line {"code": ..., "arguments": {...}}; the reply {"answer": ...}, what the code assigned to that
name, or {"error": traceback}. All that `inside.py` defines is at hand, and `stalls`.
"""

from __future__ import annotations

import json
import os
import socket
import time
import traceback
from pathlib import Path
from typing import Any

import krita

try:
    from PyQt5.QtCore import QObject, QSocketNotifier, Qt, QTimer
except ImportError:
    from PyQt6.QtCore import QObject, QSocketNotifier, Qt, QTimer


def processor_wait() -> float:
    """Seconds for which this thread was ready to run while the processors served others (Linux), else 0."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


class Stalls:
    """The longest time between two ticks of a timer that wants to tick every 5 ms.

    Time in which the thread only waited for a processor is not counted: it is the machine's, not the program's.
    """

    def __init__(self, parent: QObject) -> None:
        self.timer = QTimer(parent)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(5)
        self.timer.timeout.connect(self.tick)
        self.last = self.longest = self.waited = 0.0
        self.ticks = 0

    def start(self) -> None:
        self.last, self.waited, self.longest, self.ticks = time.perf_counter(), processor_wait(), 0.0, 0
        self.timer.start()

    def tick(self) -> None:
        now, waited = time.perf_counter(), processor_wait()
        self.longest = max(self.longest, now - self.last - (waited - self.waited))
        self.last, self.waited = now, waited
        self.ticks += 1

    def stop(self) -> dict[str, float]:
        self.timer.stop()
        return {"longest_ms": 1e3 * self.longest, "ticks": self.ticks}


class Remote(krita.Extension):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(os.environ["INLAY_TEST_SOCKET"])
        self.server.listen(1)
        self.scope: dict[str, Any] = {"stalls": Stalls(self)}
        self.buffer = b""

    def setup(self) -> None:
        from . import inside  # now, as Inlay's plug-in is loaded by now

        self.scope |= vars(inside)

    def createActions(self, window: Any) -> None:  # noqa: N802 (Krita's name)
        self.accepting = QSocketNotifier(self.server.fileno(), QSocketNotifier.Type.Read, self)
        self.accepting.activated.connect(self.accept)

    def accept(self, *_: object) -> None:
        self.accepting.setEnabled(False)
        self.peer, _address = self.server.accept()
        self.reading = QSocketNotifier(self.peer.fileno(), QSocketNotifier.Type.Read, self)
        self.reading.activated.connect(self.read)

    def read(self, *_: object) -> None:
        data = self.peer.recv(1 << 20)
        if not data:
            self.reading.setEnabled(False)
            self.peer.close()
            self.accepting.setEnabled(True)
            return
        self.buffer += data
        while b"\n" in self.buffer:
            line, self.buffer = self.buffer.split(b"\n", 1)
            request = json.loads(line)
            QTimer.singleShot(0, lambda request=request: self.run(request))

    def run(self, request: dict[str, Any]) -> None:
        names = {**self.scope, **request["arguments"], "answer": None}  # fresh, so that no layer is held on to
        try:
            exec(request["code"], names)
            reply = json.dumps({"answer": names["answer"]})
        except BaseException:
            reply = json.dumps({"error": traceback.format_exc()})
        self.peer.sendall(reply.encode() + b"\n")


remote = Remote(krita.Krita.instance())  # held: see `registered` of the plug-in
krita.Krita.instance().addExtension(remote)
