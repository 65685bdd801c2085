"""Training of the copy-paste network: its losses against the paper's equations, its samples, and whole tiny runs."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from models.papers.copy_paste import CopyPasteConfig, CopyPasteNet
from models.training.core.arrays import BoolArray, FloatArray
from models.training.core.cache import write_table
from models.training.core.checkpoint import export
from models.training.core.process import Process
from models.training.paste import losses as losses
from models.training.paste.ablation import ABLATIONS, train_or_ablate
from models.training.paste.critic import Critic
from models.training.paste.data import Difficulty, PasteSamples, random_crop, stacked
from models.training.paste.evaluator import PasteEvaluator, held_out_series
from models.training.paste.export import export_paste
from models.training.paste.train import PasteConfig, initial, load, optimizer, plain_losses, train
from models.zoo import cards, store

NARROW = CopyPasteConfig(width=4, affine=True)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small lose time with more."""
    threads, opencv_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    cv2.setNumThreads(opencv_threads)


def some(seed: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, 8, 8, generator=torch.Generator().manual_seed(seed))


def linear_critic(weight: Tensor) -> losses.Critic:
    return lambda image, pasted, mask: (image * weight).sum((1, 2, 3))


def test_reconstruction_is_equation_6() -> None:
    a, b = some(0), some(1)
    expected = sum(abs(x - y) for x, y in zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)) / a.numel()
    assert float(losses.reconstruction_loss(a, b)) == pytest.approx(expected, rel=1e-5)


def test_the_foreground_mean_counts_every_paste_alike() -> None:
    values, mask = torch.ones(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    values[1] = 3
    mask[0, :, :1, :1], mask[1, :, 2:] = 1, 1
    assert losses.foreground_mean(values, mask).tolist() == [1, 3]


def test_the_penalty_of_a_linear_critic_is_its_slopes_distance_from_1() -> None:
    weight = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(2))
    penalty = losses.gradient_penalty(linear_critic(weight), some(0), some(1), some(2), some(3, 1))
    assert float(penalty) == pytest.approx((float(weight.norm()) - 1) ** 2, rel=1e-4)


def test_the_penalty_is_taken_between_the_true_and_the_generated_image() -> None:
    seen: list[Tensor] = []

    def critic(image: Tensor, pasted: Tensor, mask: Tensor) -> Tensor:
        seen.append(image.detach())
        return image.square().sum((1, 2, 3))

    true, made = some(0), some(1)
    losses.gradient_penalty(critic, true, made, some(2), some(3, 1))
    share = (seen[0] - true) / (made - true)
    for image in share:
        assert 0 <= float(image.median()) <= 1
        torch.testing.assert_close(image, image.median().expand_as(image), atol=1e-3, rtol=0)
    assert float(share[0].median()) != pytest.approx(float(share[1].median()), abs=1e-3)


def test_critic_losses_are_equation_5_and_the_logit_norm() -> None:
    weight, true, made = torch.full((3, 8, 8), 0.1), some(0), some(1)
    wgan, norm = losses.critic_losses(linear_critic(weight), true, made, some(2), some(3, 1))
    real, fake = ((x * weight).sum((1, 2, 3)) for x in (true, made))
    penalty = (float(weight.norm()) - 1) ** 2
    assert float(wgan) == pytest.approx(float(fake.mean() - real.mean()) + 10 * penalty, rel=1e-4)
    assert float(norm) == pytest.approx(float(real.square().mean()), rel=1e-5)
    assert (losses.ALPHA, losses.GAMMA) == (1e-4, 1e-3)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of smooth images; those of subjects and dev hold a disc and its mask."""
    root, rng = tmp_path_factory.mktemp("paste"), np.random.default_rng(0)
    for name in ("photos", "subjects", "dev"):
        folder = root / "raw" / name
        folder.mkdir(parents=True)
        rows = [["file", "kind"] + (["mask"] if name != "photos" else [])]
        for i in range(6):
            image = cv2.resize(rng.uniform(0, 255, (4, 5, 3)).astype(np.uint8), (80, 64))
            mask = cv2.circle(np.zeros((64, 80), np.uint8), (int(rng.integers(20, 60)), 32), 14, 255, -1)
            cv2.imwrite(str(folder / f"p{i}.png"), image)
            cv2.imwrite(str(folder / f"m{i}.png"), mask)
            rows.append([f"p{i}.png", "thing"] + ([f"m{i}.png"] if name != "photos" else []))
        with (folder / "sources.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        write_table(folder, root / "cache", name)
    return root / "cache"


def halfway(source: FloatArray, target: FloatArray, mask: BoolArray) -> FloatArray:
    return np.where(mask[..., None], (source + target) / 2, target)


def test_samples_are_an_image_its_transformation_and_a_mask(cache: Path) -> None:
    samples = iter(PasteSamples(cache, 32, 0, blend=halfway))
    for _ in range(10):
        sample = next(samples)
        assert {name: tuple(value.shape) for name, value in sample.items()} == {
            "image": (3, 32, 32), "source": (3, 32, 32), "mask": (1, 32, 32), "poisson": (3, 32, 32),
        }  # fmt: skip
        assert all(float(v.min()) >= 0 and float(v.max()) <= 1 for v in sample.values())
        assert set(sample["mask"].unique().tolist()) == {0.0, 1.0}
        assert not torch.equal(sample["image"], sample["source"])
        outside = (sample["mask"] == 0).expand_as(sample["image"])
        assert torch.equal(sample["poisson"][outside], sample["image"][outside])


def test_a_series_is_always_the_same_and_its_images_do_not_depend_on_its_length(cache: Path) -> None:
    long, short = (held_out_series(cache, 32, n, Difficulty(), None) for n in (5, 2))
    for a, b in zip(short, long, strict=False):
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(long[0]["image"], long[1]["image"])
    assert [len(batch["image"]) for batch in stacked(long, 2)] == [2, 2, 1]


def test_sigma_is_measured_at_512_pixels(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []

    def record(image: FloatArray, sigma: float, rng: np.random.Generator, local: bool) -> FloatArray:
        used.append(sigma)
        return image

    monkeypatch.setattr("models.training.paste.data.transform", record)
    next(iter(PasteSamples(cache, 64, 0, Difficulty(sigma=15))))
    assert used == [15 / 8]


def test_crops_have_the_size_asked_for(cache: Path) -> None:
    rng = np.random.default_rng(0)
    for height, width in ((30, 90), (100, 40), (48, 48)):
        for _ in range(5):
            assert random_crop(np.zeros((height, width, 4), np.uint8), 48, rng).shape == (48, 48, 4)
    with pytest.raises(ValueError, match="smaller size"):
        PasteSamples(cache, 512, 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # the loader's fork, Python 3.12 and later
def test_a_run_learns_is_exported_and_resumes(cache: Path, tmp_path: Path) -> None:
    easy = Difficulty(sigma=1, local=False)
    config = PasteConfig(
        data=cache, out=tmp_path, network=NARROW, difficulty=easy, steps=40, size=32, batch=8, lr=8e-3, scored=16
    )
    scores = train(config)
    assert scores["ratio"] < 0.8
    again = PasteEvaluator(held_out_series(cache, 32, 16, easy, None)).score(load(tmp_path / "ema.safetensors"))
    assert again["ratio"] == pytest.approx(scores["ratio"], rel=0.02)  # half precision
    train(replace(config, steps=60, resume=True))
    with (tmp_path / "log.csv").open() as log:
        assert [row["step"] for row in csv.DictReader(log)] == ["20", "40", "60"]


def adversarial(cache: Path, out: Path) -> PasteConfig:
    return PasteConfig(
        data=cache, out=out, network=replace(NARROW, poisson=True), blend=f"{__name__}:halfway", adversarial=True,
        critic_width=4, steps=3, size=32, batch=2, workers=0, scored=2,
    )  # fmt: skip


def test_the_paper_s_adam_moves_both_networks(cache: Path, tmp_path: Path) -> None:
    config = adversarial(cache, tmp_path)
    net = initial(config)
    critic = Critic(config.size, config.critic_width, config.peak, Process.start())
    for found in (optimizer(net, config), critic.optimizer):
        assert (found.param_groups[0]["lr"], found.defaults["betas"]) == (2e-4, (0.0, 0.9))
    before = critic.net.join.weight.clone()
    image, result = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32, requires_grad=True)
    found = critic.losses(result, image, image, torch.ones(2, 1, 32, 32))
    assert set(found) == {"loss", "l1", "wgan", "norm"}
    assert not torch.equal(before, critic.net.join.weight)
    found["loss"].backward()
    assert result.grad is not None
    assert float(result.grad.abs().max()) > 0


def test_an_adversarial_run_goes_on_with_its_discriminator(cache: Path, tmp_path: Path) -> None:
    config = adversarial(cache, tmp_path)
    train(config)
    before = torch.load(tmp_path / "last.pt", weights_only=True)
    train(replace(config, steps=5, resume=True))
    after = torch.load(tmp_path / "last.pt", weights_only=True)
    assert (before["step"], after["step"]) == (3, 5)
    steps = [state["critic_optimizer"]["state"][0]["step"] for state in (before, after)]
    assert [int(step) for step in steps] == [3, 5]
    assert not torch.equal(before["net"]["up.2.plain.weight"], after["net"]["up.2.plain.weight"])


def test_the_plain_loss_is_the_absolute_and_the_squared_difference_under_the_mask(cache: Path) -> None:
    batch = next(stacked(PasteSamples(cache, 32, 0).series(2), 2))
    found = plain_losses(batch["source"], batch["image"], batch["mask"])
    expected = {"l1": 0.0, "l2": 0.0}
    for source, image, mask in zip(batch["source"], batch["image"], batch["mask"], strict=True):
        difference = (source - image)[:, mask[0] > 0]
        expected["l1"] += float(difference.abs().mean()) / 2
        expected["l2"] += float(difference.square().mean()) / 2
    assert {name: found[name].item() for name in expected} == pytest.approx(expected, rel=1e-4)
    assert found["loss"].item() == pytest.approx(expected["l1"] + 10 * expected["l2"], rel=1e-4)


def test_an_exported_network_has_a_card_with_its_settings_and_score(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    config = replace(NARROW, poisson=True, stride=4)
    export(CopyPasteNet(config), tmp_path / "best.safetensors", asdict(config))
    export_paste(tmp_path / "best.safetensors", "tiny", cache, 32, 3, halfway)
    net, card = store.load("tiny")
    assert isinstance(net, CopyPasteNet)
    assert (net.config.stride, card.role, card.input_size) == (4, "paste", 40)
    assert 0 < next(iter(card.scores.values())) < 1


def test_the_poisson_solution_must_be_computable(cache: Path, tmp_path: Path) -> None:
    config = PasteConfig(
        data=cache, out=tmp_path, steps=1, network=replace(NARROW, poisson=True), blend="no.such:function"
    )
    with pytest.raises(ValueError, match=r"--blend no\.such:function"):
        train(config)
    assert replace(config, network=NARROW).blend_function() is None


def test_an_ablation_compares_every_variant_on_every_kind_of_composite(cache: Path, tmp_path: Path) -> None:
    config = PasteConfig(
        data=cache, out=tmp_path, network=NARROW, steps=2, size=32, batch=2, workers=0, scored=2, ablation="shading"
    )
    rows = train_or_ablate(config)
    assert isinstance(rows, list)
    assert [set(row) for row in rows] == [{"trained on", *ABLATIONS["shading"]}] * 2
    assert (tmp_path / "global-shading" / "best.safetensors").exists()
    with (tmp_path / "shading.csv").open() as table:
        assert [row["trained on"] for row in csv.DictReader(table)] == list(ABLATIONS["shading"])
