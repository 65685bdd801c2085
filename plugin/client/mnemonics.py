"""Letters that Alt chooses the fields of a dialog by."""

from __future__ import annotations

from collections.abc import Sequence


def with_keys(labels: Sequence[str], taken: str) -> list[str]:
    """The labels, each with an underscore before its letter: the first free one, and none twice or in `taken`.

    A label whose letters are all in use gets one of them where its owner has another. Without any it stays as it is.
    """
    owners: dict[str, int] = {}

    def find(number: int, tried: set[str]) -> bool:
        letters = [letter for letter in labels[number].lower() if letter.isalpha() and letter not in taken]
        free = next((letter for letter in letters if letter not in owners), None)
        if free is not None:
            owners[free] = number
            return True
        for letter in letters:
            if letter not in tried:
                tried.add(letter)
                if find(owners[letter], tried):
                    owners[letter] = number
                    return True
        return False

    for number in range(len(labels)):
        find(number, set())
    marked = list(labels)
    for letter, number in owners.items():
        place = labels[number].lower().index(letter)
        marked[number] = f"{labels[number][:place]}_{labels[number][place:]}"
    return marked
