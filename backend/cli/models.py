"""The networks' weights: which there are, fetching those that are not bundled, verifying those that are here."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.zoo.cards import Card, CardError, find_card, names
from models.zoo.download import DownloadError, sha256_of
from models.zoo.store import WeightsError, fetch, locate

from . import CommandError, Exit, usage
from .progress import ProgressBar, Report

MIB = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay models`."""
    parser.add_argument("what", choices=["list", "fetch", "verify"])
    parser.add_argument("names", nargs="*", metavar="NAME", help="models; list and verify take all when none is named")


def run(arguments: argparse.Namespace) -> int:
    """List, fetch or verify."""
    if arguments.what == "fetch" and not arguments.names:
        raise usage("name the models to fetch; inlay models list shows them")
    try:
        cards = [find_card(name) for name in arguments.names or names()]
    except CardError as error:
        raise usage(str(error)) from None
    return {"list": _list, "fetch": _fetch, "verify": _verify}[arguments.what](cards)


def _list(cards: list[Card]) -> Exit:
    for card in cards:
        state = "bundled" if card.bundled else "here" if locate(card) else "not fetched"
        print(f"{card.name:<32}{card.task:<11}{card.size / MIB:7.1f} MiB  {state:<13}{card.license}")
    return Exit.DONE


def _fetch(cards: list[Card]) -> Exit:
    with ProgressBar(len(cards)) as bar:
        for card in cards:
            print(_fetched(card, bar.report(card.name)))
            bar.finish(card.name)
    return Exit.DONE


def _fetched(card: Card, report: Report) -> Path:
    def progress(received: int, size: int) -> None:
        report(received / max(size, 1), "")

    try:
        return fetch(card.name, progress)
    except (DownloadError, WeightsError) as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from None


def _verify(cards: list[Card]) -> Exit:
    """Compare the files that are here with their cards; a bundled one that is not here counts as damaged."""
    code = Exit.DONE
    for card in cards:
        path = locate(card)
        if path is None and not card.bundled:
            continue
        if path is not None and sha256_of(path).startswith(card.sha256):
            print(f"{card.name}: as it should be")
            continue
        code = Exit.BAD_INPUT
        remedy = "reinstall Inlay" if card.bundled else f"delete it and run inlay models fetch {card.name}"
        print(f"{card.name}: {path or card.file} is {'damaged' if path else 'missing'}; {remedy}", file=sys.stderr)
    return code
