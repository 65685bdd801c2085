"""MobileSAM: the published checkpoint's parameters; what a prompt's masks depend on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from models.papers.mobile_sam import MobileSam
from models.zoo import cards, store
from models.zoo.contracts import PromptContract
from models.zoo.runtimes.prompted import parts

PUBLISHED = "02a1bb2d36347185fea99978181d1cb8a58a5cda5baa2ab2ebb524c5c898d2f8"
"""Of the names and shapes of all that is in the publisher's own module of 2023."""


@pytest.fixture(scope="module")
def net() -> MobileSam:
    torch.manual_seed(0)
    return MobileSam(side=128).eval().requires_grad_(False)


def test_its_parameters_have_the_published_names_and_shapes(net: MobileSam) -> None:
    lines = sorted(f"{name} {list(value.shape)}" for name, value in net.state_dict().items())
    assert sha256("\n".join(lines).encode()).hexdigest() == PUBLISHED


def test_weights_of_these_names_load_from_their_file(
    net: MobileSam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    store.cache_folder().mkdir()
    path = store.cache_folder() / "mobile_sam.pt"
    torch.save(net.state_dict(), path)
    text = (Path(store.__file__).parent / "cards" / "mobilesam_pt.toml").read_text()
    known = 'sha256 = "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f"'
    assert known in text
    (tmp_path / "mobilesam_pt.toml").write_text(
        text.replace(known, f'sha256 = "{sha256(path.read_bytes()).hexdigest()}"')
    )
    loaded, card = store.load("mobilesam_pt")
    assert card.contract is not None and loaded.side == card.contract.size
    assert torch.equal(loaded.mask_decoder.mask_tokens.weight, net.mask_decoder.mask_tokens.weight)


def test_few_points_give_three_masks_more_give_one_of_the_images_size(net: MobileSam) -> None:
    image = torch.randn(1, 3, 96, 128)
    embedding, size = net.encode(image), torch.tensor([96, 128])
    assert embedding.shape == (1, 256, 8, 8)
    points = torch.tensor([[[20.0, 30.0], [60.0, 40.0], [0.0, 0.0]]])
    for count, masks in ((2, 3), (3, 1)):
        found, scores = net.decode(embedding, points[:, :count], torch.tensor([[1.0, 0.0, -1.0]])[:, :count], size)
        assert found.shape == (1, masks, 96, 128) and scores.shape == (1, masks)


def test_a_point_on_the_object_a_point_off_it_and_corners_differ_and_none_is_nowhere(net: MobileSam) -> None:
    embedding, size = net.encode(torch.randn(1, 3, 128, 128)), torch.tensor([128, 128])

    def answer(labels: list[float], last: float = 40.0) -> torch.Tensor:
        points = torch.tensor([[[20.0, 30.0], [last, last]]])
        return net.decode(embedding, points, torch.tensor([labels]), size)[0]

    answers = [answer(labels) for labels in ([1, -1], [0, -1], [1, 0], [2, 3])]
    for i, one in enumerate(answers):
        assert not any(torch.allclose(one, other, atol=1e-4) for other in answers[i + 1 :])
    assert torch.equal(answer([1, -1], last=90.0), answers[0])
    assert not torch.allclose(answer([1, 1], last=90.0), answer([1, 1]), atol=1e-4)


def test_its_parts_have_the_contracts_names(net: MobileSam) -> None:
    contract = store.find_card("mobilesam_pt").contract
    assert isinstance(contract, PromptContract)
    encoder, decoder = parts(net, contract, "cpu")
    embedding = encoder({"image": np.zeros((1, 3, 128, 128), np.float32)})
    asked = contract.prompt(np.array([[5.0, 6.0]], np.float32), np.zeros((0, 2), np.float32), None, (128, 128))
    answer = decoder({**embedding, **asked}, (contract.masks, contract.scores))
    assert contract.probability(answer).shape == (128, 128)
