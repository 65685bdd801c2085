"""The bundled network: shapes, its start from MobileNetV2, prompts that matter, and the image encoded once."""

from pathlib import Path

import pytest
import torch
import torchvision

from models.networks.subject_net import PROMPT_CHANNELS, SubjectNet, box_around
from models.training.core.checkpoint import export
from models.training.segmentation.subject import average_weights, load


@pytest.fixture(scope="module")
def net() -> SubjectNet:
    torch.manual_seed(0)
    return SubjectNet().eval()


def test_features_and_answers_have_the_documented_shapes(net: SubjectNet) -> None:
    with torch.no_grad():
        features = net.encode(torch.randn(2, 3, 96, 128))
        assert [tuple(f.shape[-2:]) for f in features] == [(48, 64), (24, 32), (12, 16), (6, 8), (3, 4)]
        assert net.subject(features).shape == (2, 1, 96, 128)
        assert net.classes(features).shape == (2, 21, 12, 16)
        assert net.object(features, torch.zeros(2, PROMPT_CHANNELS, 96, 128)).shape == (2, 1, 96, 128)


def test_encoder_equals_torchvisions_mobilenet(net: SubjectNet) -> None:
    torch.manual_seed(1)
    theirs = torchvision.models.mobilenet_v2(weights=None)
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, std=0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    mine = SubjectNet().encoder
    mine.load_torchvision(theirs.state_dict())
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(mine(image)[-1], theirs.eval().features[:18](image), atol=1e-4, rtol=1e-3)


def test_training_pass_equals_the_single_questions(net: SubjectNet) -> None:
    image, prompt = torch.randn(1, 3, 64, 64), torch.rand(1, PROMPT_CHANNELS, 64, 64)
    with torch.no_grad():
        features = net.encode(image)
        answers = (net.subject(features), net.classes(features), net.object(features, prompt))
        for one, other in zip(net(image, prompt), answers, strict=True):
            torch.testing.assert_close(one, other)


def test_the_second_look_asks_for_the_box_around_the_first_answer(net: SubjectNet) -> None:
    image, prompt = torch.randn(2, 3, 64, 64), torch.rand(2, PROMPT_CHANNELS, 64, 64)
    with torch.no_grad():
        features = net.encode(image)
        around = box_around(net.subject(features))
        mixed = torch.stack([around[0], prompt[1]])
        torch.testing.assert_close(
            net(image, prompt, torch.tensor([True, False]))[2], net.object(features, mixed), atol=1e-5, rtol=1e-4
        )
        settled = (net.subject(features).sigmoid() + net.object(features, around).sigmoid()) / 2
        torch.testing.assert_close(net.settled_subject(features), settled)


def test_the_box_lies_around_what_was_found() -> None:
    logits = torch.full((3, 1, 40, 60), -4.0)
    logits[0, 0, 10:20, 30:50] = 1  # 10 rows, 20 columns: reaches 1 + 5 % of 20 = 2 pixels further
    logits[1, 0, 0, 0] = 2
    region = box_around(logits)[:, 0]
    assert region[0].nonzero().aminmax(dim=0).min.tolist() == [8, 28]
    assert region[0].nonzero().aminmax(dim=0).max.tolist() == [21, 51]
    assert region[1].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert not region[2].any(), "nothing was found"


def test_where_the_prompt_lies_changes_the_object(net: SubjectNet) -> None:
    prompts = torch.zeros(2, PROMPT_CHANNELS, 64, 64)
    prompts[0, 0, :, :32] = 1
    prompts[1, 0, :, 32:] = 1
    with torch.no_grad():
        features = [f.expand(2, -1, -1, -1) for f in net.encode(torch.randn(1, 3, 64, 64))]
        first, second = net.object(features, prompts)
    assert not torch.allclose(first, second)


def test_every_weight_is_trained(net: SubjectNet) -> None:
    fresh = SubjectNet()
    outputs = fresh(torch.randn(2, 3, 64, 64), torch.rand(2, PROMPT_CHANNELS, 64, 64))
    sum(out.square().mean() for out in outputs).backward()
    assert [name for name, p in fresh.named_parameters() if p.grad is None] == []


def test_it_fits_the_12_megabytes_it_may_take_in_half_precision(net: SubjectNet) -> None:
    assert 2 * sum(p.numel() for p in net.parameters()) < 12e6


def test_odd_sizes_and_wrong_prompts_are_refused_with_the_remedy(net: SubjectNet) -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        net.encode(torch.zeros(1, 3, 100, 96))
    with torch.no_grad():
        features = net.encode(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ValueError, match="prompt of the image's size"):
        net.object(features, torch.zeros(1, 1, 64, 64))


def test_the_mean_of_two_networks_weights(tmp_path: Path, net: SubjectNet) -> None:
    other = SubjectNet()
    for name, exported in (("a", net), ("b", other)):
        export(exported, tmp_path / name)
    average_weights([tmp_path / "a", tmp_path / "b"], tmp_path / "mean")
    weight = load(tmp_path / "mean").decoder.logit.weight
    torch.testing.assert_close(
        weight, (net.decoder.logit.weight + other.decoder.logit.weight) / 2, atol=1e-3, rtol=1e-3
    )
