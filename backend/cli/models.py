"""The networks that others have made: which there are, fetched, verified, removed, brought by file; which one is used.

`inlay models use ROLE NAME` sets the network of a role (list shows them); NAME may be auto, the best one that is here,
or bundled. Downloads go through the proxies of the environment (https_proxy). INLAY_OFFLINE=1 forbids all of them,
INLAY_MODELS_MIRROR names a folder on the web to look in first, INLAY_MODELS_DIR one on a disk to read models from.
A download that is interrupted goes on the next time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from models.zoo import roles
from models.zoo.cards import ROLES, Card, CardError, DamagedCardError, find_card, readable
from models.zoo.download import DownloadError
from models.zoo.imports import ImportRefusedError, import_file, remove
from models.zoo.store import WeightsError, damaged, fetch, locate

from . import CommandError, Exit, usage
from .progress import ProgressBar

MIB = 1 << 20
OFTEN = 0.2  # seconds between two lines of progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `inlay models`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", choices=["list", "recommend", "fetch", "verify", "remove", "import", "use"])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="models (list and verify take all when none is named); files to import"
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON, a line for each thing")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked."""
    what, given = arguments.what, arguments.names
    if what in ("fetch", "remove") and not given:
        raise usage(f"name the models to {what}; inlay models list shows them")
    if what == "import":
        return _import([Path(name) for name in given], arguments.json)
    if what == "use":
        return _use(given)
    cards, damaged = _cards(given)
    for error in damaged:
        print(error, file=sys.stderr)
    if what == "recommend":
        cards = [card for card in cards if card.recommended]
    if what == "fetch":
        return _fetch(cards, arguments.json)
    if what in ("list", "recommend"):
        _list(cards, arguments.json)
        return Exit.DONE
    if what == "remove":
        return _remove(cards)
    return Exit.BAD_INPUT if _verify(cards) or damaged else Exit.DONE


def _cards(given: list[str]) -> tuple[list[Card], list[DamagedCardError]]:
    """Those that are named, all when none is; what is wrong with the others of all."""
    if not given:
        return readable()
    try:
        return [find_card(name) for name in given], []
    except DamagedCardError as error:
        raise CommandError(str(error), Exit.BAD_INPUT) from None
    except CardError as error:
        raise usage(str(error)) from None


def state(card: Card) -> str:
    """Whether a model is here."""
    return "bundled" if card.bundled else "here" if locate(card) else "not here"


def facts(card: Card) -> dict[str, Any]:
    """What there is to say of a model, for a window of an editor."""
    chosen = roles.choose(card.role)
    return {
        "name": card.name,
        "role": card.role,
        "used_by": ROLES[card.role],
        "size": card.total,
        "license": card.license,
        "terms": " ".join(card.terms.split()),
        "limits": " ".join(card.limits.split()),
        "state": state(card),
        "used": card.bundled if chosen is None else card.name == chosen.name,
        "set": roles.pins().get(card.role, roles.AUTO),
        "recommended": card.recommended,
        "source": "" if card.url else " ".join(card.source.split()),
    }


def _list(cards: list[Card], as_json: bool) -> None:
    for card in sorted(cards, key=lambda card: (list(ROLES).index(card.role), not card.bundled, -card.rank)):
        if as_json:
            print(json.dumps(facts(card)))
            continue
        used = "used" if facts(card)["used"] else ""
        print(f"{card.name:<30}{card.role:<11}{card.total / MIB:7.1f} MiB  {state(card):<9}{used:<5}{card.license}")


def _fetch(cards: list[Card], as_json: bool) -> Exit:
    with ProgressBar(len(cards)) as bar:
        for card in cards:
            if locate(card) is None:
                for line in _before(card):
                    bar.say(line)
            path = _fetched(card, _lines(card) if as_json else _bar(bar, card))
            print(json.dumps({"name": card.name, "path": str(path)}) if as_json else path, flush=True)
            bar.finish(card.name)
    return Exit.DONE


def _before(card: Card) -> Iterable[str]:
    """What is said before a download."""
    yield f"{card.name}: {card.total / MIB:.1f} MiB; license of the weights: {card.license}"
    if card.terms:
        yield f"Its training data: {' '.join(card.terms.split())}."
    if card.digest_by != Card.digest_by:
        yield f"Its sha256 was stated by {card.digest_by}."


def _bar(bar: ProgressBar, card: Card) -> Callable[[int, int], None]:
    report = bar.report(card.name)
    return lambda received, size: report(received / max(size, 1), "")


def _lines(card: Card) -> Callable[[int, int], None]:
    """Progress as lines, not too many of them."""
    last = 0.0

    def progress(received: int, size: int) -> None:
        nonlocal last
        if received == size or time.monotonic() - last > OFTEN:
            last = time.monotonic()
            print(json.dumps({"name": card.name, "received": received, "size": size}), flush=True)

    return progress


def _fetched(card: Card, progress: Callable[[int, int], None]) -> Path:
    try:
        return fetch(card.name, progress)
    except (DownloadError, WeightsError) as error:
        raise CommandError(str(error), Exit.UNREACHABLE) from None


def _verify(cards: list[Card]) -> bool:
    """Compare the files that are here with their cards: whether something is damaged, or a bundled one missing."""
    found = False
    for card in cards:
        path = locate(card)
        if path is None and not card.bundled:
            continue
        wrong = damaged(card)
        if path is not None and wrong is None:
            print(f"{card.name}: as it should be")
            continue
        found = True
        again = f"inlay models fetch {card.name}" if card.url else "import it anew"
        remedy = "reinstall Inlay" if card.bundled else f"run inlay models remove {card.name}, then {again}"
        print(f"{card.name}: {wrong or card.file} is {'damaged' if path else 'missing'}; {remedy}", file=sys.stderr)
    return found


def _remove(cards: list[Card]) -> Exit:
    for card in cards:
        try:
            removed = remove(card)
        except (ImportRefusedError, OSError) as error:
            raise CommandError(str(error), Exit.BAD_INPUT) from None
        print(f"{card.name}: {'removed' if removed else 'was not here'}")
    return Exit.DONE


def _import(paths: list[Path], as_json: bool) -> Exit:
    if not paths:
        raise usage("name the files to import")
    for path in paths:
        try:
            card, part = import_file(path)
        except (ImportRefusedError, OSError) as error:
            raise CommandError(str(error), Exit.BAD_INPUT) from None
        lacking = "" if locate(card) else f"; of {len(card.parts)} files of {card.name} there are not all yet"
        if as_json:
            print(json.dumps({"name": card.name, "path": str(path), "whole": not lacking}))
        else:
            print(f"{path} is {part.file} of {card.name}, and is as it should be{lacking}")
    return Exit.DONE


def _use(given: list[str]) -> Exit:
    if len(given) != 2:
        raise usage("name a role and a model: inlay models use subject isnet")
    try:
        roles.pin(*given)
    except CardError as error:
        raise usage(str(error)) from None
    return Exit.DONE
