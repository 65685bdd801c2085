"""What the broker remembers: its clients, their jobs, and the queue. No sockets, no clock of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugin.client.actions import Action
from plugin.client.codec import JobStatus
from plugin.client.messages import JobState

Frames = Sequence[Any]
"""Frames of a message as they came from a socket or as `encode` made them."""

REMEMBERED = 256
"""Ended jobs without a fetched result that are remembered for one client; the oldest go first."""


@dataclass(slots=True)
class Entry:
    """A job in the backend. `request` holds its frames until a worker has begun it, `answer` those of its end."""

    client: str
    id: str
    submitted: float
    action: Action | None = None  # None when the cancel came before the job itself
    state: JobState = JobState.QUEUED
    fraction: float = 0.0
    message: str = ""
    needs: int = 0  # bytes of memory it is taken to want
    size: int = 0  # bytes of pixels in it
    request: Frames = ()
    answer: Frames = ()
    started: float = 0.0
    last_event: float = 0.0  # when the worker last said anything of it
    lost_before: bool = False  # a worker died with it before it had begun

    def status(self) -> JobStatus:
        action = self.action.name if self.action else ""
        return JobStatus(self.id, action, self.state, self.fraction, self.message)


@dataclass(slots=True)
class Session:
    """One client: where its answers go and what it has asked for."""

    client: str
    key: str  # the CURVE key of its connection, empty without CURVE
    seen: float
    route: bytes = b""  # of its work socket
    told: float = 0.0  # when it was last sent anything
    lost: float = 0.0  # since when nothing can be sent to it, 0 while it can
    jobs: dict[str, Entry] = field(default_factory=dict)


@dataclass(slots=True)
class Sessions:
    """All clients and the jobs that wait, oldest first."""

    lease: float
    by_client: dict[str, Session] = field(default_factory=dict)
    queue: deque[Entry] = field(default_factory=deque)

    def touch(self, client: str, key: str, now: float) -> Session | None:
        """The client's session with its lease renewed; a new one at its first word; None when it is another key's."""
        session = self.by_client.setdefault(client, Session(client, key, now))
        if session.key != key:
            return None
        session.seen = now
        return session

    def expired(self, now: float) -> list[Session]:
        """Sessions that have been silent for longer than the lease; forgotten from now on."""
        gone = [session for session in self.by_client.values() if now - session.seen > self.lease]
        for session in gone:
            del self.by_client[session.client]
        return gone

    def shift(self, seconds: float) -> None:
        """Take so much time as not having passed."""
        for session in self.by_client.values():
            session.seen += seconds
            session.lost += seconds if session.lost else 0.0
        for entry in self.entries():
            entry.last_event += seconds

    def remember(self, session: Session, entry: Entry) -> None:
        """Keep `entry`, forgetting the client's oldest ended jobs beyond REMEMBERED."""
        session.jobs[entry.id] = entry
        ended = [key for key, other in session.jobs.items() if other.state.ended]
        for key in ended[: max(0, len(ended) - REMEMBERED)]:
            del session.jobs[key]

    def entries(self) -> Iterator[Entry]:
        for session in self.by_client.values():
            yield from session.jobs.values()

    def held(self) -> int:
        """Bytes of pixels that wait for a worker or to be fetched."""
        return sum(sum(map(len, (*entry.request, *entry.answer))) for entry in self.entries())
