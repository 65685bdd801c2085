"""The report of a batch: report.json for programs, report.html for eyes. Both stand alone; nothing is fetched."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backend import __version__

from ..cli import usage
from ..io.safe_write import write_bytes
from ..io.sources import kind_of, shown
from .manifest import DONE, FAILED, Entry
from .recipe import Recipe, text

NAMES = ("report.json", "report.html")
UNCHANGED, WAITING = "unchanged", "waiting"

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100% } td, th { border-top: 1px solid #ccc; padding: .4em; text-align: left;
vertical-align: top; overflow-wrap: anywhere } .failed { background: #fdecea } .waiting { color: #777 }
pre { background: #f4f4f4; padding: 1em; overflow: auto } img { display: block }
"""


@dataclass(slots=True)
class Report:
    """What became of the files of one run.

    Attributes:
        recipe: that was applied.
        digest: of the recipe.
        folder: of the results.
        tasks: all (input, output below the folder).
        started: date and time, ISO 8601.
        passed_over: how many things in folders were no images, by reason.
        entries: by output; and whether the file was done before.
        seconds: the run took.
    """

    recipe: Recipe
    digest: str
    folder: Path
    tasks: Sequence[tuple[str, str]]
    started: str
    passed_over: Counter[str]
    entries: dict[str, tuple[Entry, bool]] = field(default_factory=dict)
    seconds: float = 0.0

    def counts(self) -> dict[str, int]:
        """Files by what became of them."""
        found = dict.fromkeys((DONE, UNCHANGED, FAILED, WAITING), 0)
        for _, output in self.tasks:
            found[self._status(output)] += 1
        return found

    def check(self, known: bool) -> None:
        """Raise CommandError (usage) when other files have the reports' names; `known`: a batch wrote here before."""
        for name in NAMES:
            kind = kind_of(self.folder / name)
            if kind or (kind == "" and not known):
                raise usage(f"{shown(self.folder / name)} exists and is kept; write the results to another folder")

    def write(self) -> None:
        """Write both files whole. Raises CommandError."""
        write_bytes(self.folder / NAMES[0], self.as_json().encode(), overwrite=True)
        write_bytes(self.folder / NAMES[1], self.as_html().encode(), overwrite=True)

    def as_json(self) -> str:
        """Counts, seconds, and for each file what the manifest says of it, without the thumbnail."""
        files: list[dict[str, Any]] = []
        for source, output in self.tasks:
            entry = self.entries.get(output)
            told: dict[str, Any] = asdict(entry[0]) if entry else {"input": source, "output": output}
            told.pop("thumbnail", None)
            files.append(told | {"status": self._status(output)})
        return json.dumps(
            {
                "inlay": __version__, "recipe": self.recipe.name, "digest": self.digest, "started": self.started,
                "seconds": round(self.seconds, 3), "counts": self.counts(), "passed_over": dict(self.passed_over),
                "files": files,
            },
            indent=1,
        )  # fmt: skip

    def as_html(self) -> str:
        """A page with the same, and a thumbnail of each image beside its result; failed files come first."""
        counts = ", ".join(f"{count} {status}" for status, count in self.counts().items() if count)
        passed = ", ".join(f"{count} {reason}" for reason, count in sorted(self.passed_over.items()))
        order = sorted(self.tasks, key=lambda task: self._status(task[1]) != FAILED)
        return "".join(
            (
                '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
                '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; ',
                "style-src 'unsafe-inline'\">",
                f"<title>{escape(self.recipe.name)}</title><style>{STYLE}</style></head><body>\n",
                f"<h1>{escape(self.recipe.name)}</h1>\n",
                f"<p>{len(self.tasks)} files: {counts}. {self.seconds:.1f} s from {escape(self.started)}.",
                f" Passed over: {escape(passed)}." if passed else "",
                "</p>\n<details><summary>Recipe</summary><pre>",
                f"{escape(text(self.recipe, self.folder))}</pre></details>\n",
                "<table><tr><th>Before and after</th><th>File</th><th>Status</th><th>Seconds</th><th>Notes</th></tr>\n",
                *(self._row(*task) for task in order),
                "</table></body></html>\n",
            )
        )

    def _row(self, source: str, output: str) -> str:
        status = self._status(output)
        entry = self.entries[output][0] if output in self.entries else None
        shown_image = (
            f'<img alt="" src="data:image/jpeg;base64,{entry.thumbnail}">' if entry and entry.thumbnail else ""
        )
        name = escape(source)
        if entry and entry.status == DONE:
            name += f'<br><a href="{quote(output)}">{escape(output)}</a> ({entry.width} x {entry.height})'
        sentences = [entry.message, *entry.notes] if entry else []
        seconds = f"{entry.seconds:.1f}" if entry else ""
        if entry and entry.attempts > 1:
            seconds += f" ({entry.attempts} attempts)"
        notes = "<br>".join(escape(sentence) for sentence in sentences if sentence)
        return (
            f'<tr class="{status}"><td>{shown_image}</td><td>{name}</td><td>{status}</td><td>{seconds}</td>'
            f"<td>{notes}</td></tr>\n"
        )

    def _status(self, output: str) -> str:
        entry, before = self.entries.get(output, (None, False))
        return WAITING if entry is None else UNCHANGED if before else entry.status
