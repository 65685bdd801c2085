"""Public networks in their roles: small ones that see red, used by actions, named in the note, gone when removed."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.io.rasters import from_array, samples
from backend.operations import Context, OperationError, find
from backend.operations.networks import FEATURES, Network, cache_key, load_network
from models.zoo import cards, roles, store
from plugin.client.actions import BY_NAME, Value
from plugin.client.image import Raster
from plugin.client.messages import Job
from tests.models.zoo.onnx_files import Graph

HEAD = """role = "{role}"
runtime = "onnx"
file = "{name}.onnx"
sha256 = "{digest}"
size = {size}
license = "CC0"
url = "https://models.example/{name}.onnx"
rank = 100
memory = {memory}
"""
MAP = '[contract]\nkind = "map"\nsize = 64\ninput = "x"\noutput = "y"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where fetched models are, empty; the cards may be added to."""
    monkeypatch.setenv("INLAY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("INLAY_MODELS_DIR", raising=False)
    shutil.copytree(cards.FOLDER, tmp_path / "cards")
    monkeypatch.setattr(cards, "FOLDER", tmp_path / "cards")
    store.cache_folder().mkdir(parents=True)
    return tmp_path


def install(name: str, role: str, contract: str, files: list[Path], memory: int = 1) -> None:
    """A card, and its files where fetched ones are."""
    texts = []
    for path in files:
        shutil.copy(path, store.cache_folder() / path.name)
        texts.append((path.name, sha256(path.read_bytes()).hexdigest(), path.stat().st_size))
    _, digest, size = texts[0]
    text = HEAD.format(role=role, name=name, digest=digest, size=size, memory=memory)
    for further, digest, size in texts[1:]:
        text += f'[[further]]\nfile = "{further}"\nsha256 = "{digest}"\nsize = {size}\n'
    (cards.FOLDER / f"{name}.toml").write_text(text + contract)


def red(path: Path, planes: int = 1) -> Path:
    """A network that answers with how red an image is, 0..1, in the last of its planes, and 0 in the others."""
    graph = Graph()
    image = graph.input("x", (1, 3, 64, 64))
    kernel = np.zeros((planes, 3, 1, 1), np.float32)
    kernel[-1, :, 0, 0] = (20, -10, -10)
    bias = np.full(planes, -5, np.float32)
    answer = graph.node("Conv", image, graph.constant(kernel), graph.constant(bias))
    graph.node("Sigmoid" if planes == 1 else "Identity", answer, to="y")
    graph.output("y", (1, planes, 64, 64))
    return graph.write(path)


def image() -> Raster:
    """A red disc on gray, left of the middle, 120 x 90."""
    y, x = np.mgrid[:90, :120]
    pixels = np.full((90, 120, 3), 120, np.uint8)
    pixels[np.hypot(x - 40, y - 45) < 25] = (220, 30, 30)
    return from_array(pixels)


def selected(action: str, context: Context, selection: np.ndarray | None = None, **settings: Value) -> np.ndarray:
    """The mask, 0..1, that a selecting action gives of the image."""
    inputs = {"image": image()}
    if selection is not None:
        inputs["selection"] = from_array(selection[..., None])
    (found,) = find(action)(Job(action, BY_NAME[action].check(settings), inputs), context)
    return samples(found.raster)[..., 0] / np.float32(255)


def is_disc(mask: np.ndarray) -> bool:
    y, x = np.mgrid[:90, :120]
    disc = np.hypot(x - 40, y - 45) < 25
    return bool(mask[disc].mean() > 0.9 and mask[~disc].mean() < 0.05)


def dot() -> np.ndarray:
    mask = np.zeros((90, 120), np.uint8)
    mask[44:47, 39:42] = 255
    return mask


def test_a_subject_is_what_the_best_public_network_says_as_long_as_it_is_here(folder: Path) -> None:
    install("tiny", "subject", MAP, [red(folder / "tiny.onnx")])
    context = Context()
    assert is_disc(selected("select.subject", context))
    assert context.notes == ["The public network tiny was used."]
    (store.cache_folder() / "tiny.onnx").unlink()
    context.notes.clear()
    again = selected("select.subject", context)  # in the same process
    assert context.notes == []
    assert np.array_equal(again, selected("select.subject", Context()))


def test_one_that_is_brought_while_a_process_runs_is_used(folder: Path) -> None:
    context = Context()
    selected("select.subject", context)
    assert context.notes == []
    install("tiny", "subject", MAP, [red(folder / "tiny.onnx")])
    assert is_disc(selected("select.subject", context))
    assert context.notes == ["The public network tiny was used."]


def test_settings_and_memory_decide(folder: Path) -> None:
    install("tiny", "subject", MAP, [red(folder / "tiny.onnx")], memory=1 << 30)
    for name, notes in (
        (roles.AUTO, []),  # more memory than any machine has
        (roles.BUNDLED, []),
        ("tiny", ["The public network tiny was used."]),
        ("u2net", ["u2net, which is set for this, is not on this machine: the bundled network was used."]),
    ):
        roles.pin("subject", name)
        context = Context()
        selected("select.subject", context)
        assert context.notes == notes


def test_the_features_are_of_the_network_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models.vgg import cfgs, make_layers

    context, own = Context(), store.load
    published = torch.nn.Module()
    published.features = make_layers(cfgs["D"])
    (store.cache_folder() / store.find_card("vgg16").file).write_bytes(b"VGG-16")
    monkeypatch.setattr(store, "load", lambda name, *_: (published, None) if name == "vgg16" else own(name))
    for name, used, channels in ((roles.AUTO, "vgg16", 64), (roles.BUNDLED, "features", 16), ("vgg16", "vgg16", 64)):
        roles.pin("features", name)
        net, card = load_network(FEATURES, context)
        assert (card.name, len(net.trunk.stages[0][0].weight)) == (used, channels)


def test_a_damaged_file_is_refused_with_the_remedy(folder: Path) -> None:
    install("tiny", "subject", MAP, [red(folder / "tiny.onnx")])
    (store.cache_folder() / "tiny.onnx").write_bytes(b"x")
    with pytest.raises(OperationError, match="damaged") as raised:
        selected("select.subject", Context())
    assert "inlay models remove tiny" in raised.value.remedy


def test_a_network_that_breaks_its_contract_is_named(folder: Path) -> None:
    install("tiny", "subject", MAP + "channels = [3]\n", [red(folder / "tiny.onnx")])
    with pytest.raises(OperationError, match="does not answer as its card says") as raised:
        selected("select.subject", Context())
    assert "inlay models remove tiny" in raised.value.remedy


def test_an_image_is_looked_at_once(folder: Path) -> None:
    install("tiny", "subject", MAP, [red(folder / "tiny.onnx")])
    context = Context()
    selected("select.subject", context)
    net = context.cache[cache_key("tiny")].net

    def refuse(*_: Any) -> Any:
        raise AssertionError("a second time")

    context.cache[cache_key("tiny")] = Network([refuse], net)
    assert is_disc(selected("select.subject", context, edge="hard"))


def test_classes_and_people_come_from_public_networks(folder: Path) -> None:
    install("tiny", "classes", MAP + 'activation = "softmax"\nchannels = []\n', [red(folder / "tiny.onnx", planes=21)])
    context = Context()
    mask = selected("select.class", context, class_name="television")  # the last of the classes
    assert mask.max() > 0.5 and "The public network tiny was used." in context.notes

    install("tiny", "classes", MAP + 'activation = "softmax"\nchannels = []\n', [red(folder / "tiny.onnx", planes=16)])
    people = red(folder / "people.onnx")
    install("people", "people", MAP, [people])
    context = Context()
    assert is_disc(selected("select.class", context, class_name="person"))
    assert context.notes == ["The public network tiny was used.", "The public network people was used."]


PROMPT = '[contract]\nkind = "prompt"\nsize = 64\nresize = "long_side"\ninput = "x"\n'


def prompted(encoder: Path, decoder: Path) -> list[Path]:
    """A network for which an object is what is as red as its image, as long as a point or a corner is within it."""
    graph = Graph()
    kernel, bias = np.array([[20, -10, -10]], np.float32).reshape(1, 3, 1, 1), np.array([-5], np.float32)
    image = graph.input("x", (1, 3, "h", "w"))
    graph.node("Conv", image, graph.constant(kernel), graph.constant(bias), to="embedding")
    graph.output("embedding", (1, 1, "h", "w"))
    graph.write(encoder)
    graph = Graph()
    masks, points = graph.input("embedding", (1, 1, "h", "w")), graph.input("point_coords", (1, "n", 2))
    labels = graph.input("point_labels", (1, "n"))
    nothing = graph.constant(np.array(0, np.float32))
    unused = graph.node("Mul", graph.node("ReduceMean", points, keepdims=0), nothing)
    used = graph.node("ReduceMax", labels, keepdims=0)  # of a point on it 1, of corners 3; only padding: -1
    graph.node("Mul", masks, graph.node("Add", used, unused), to="masks")
    graph.output("masks", (1, 1, "h", "w"))
    graph.node("Identity", graph.constant(np.array([[0.9]], np.float32)), to="iou_predictions")
    graph.output("iou_predictions", (1, 1))
    graph.write(decoder)
    return [encoder, decoder]


@pytest.mark.parametrize("with_dots", [True, False])
def test_an_object_comes_from_points_or_a_box(folder: Path, with_dots: bool) -> None:
    install("prompted", "object", PROMPT, prompted(folder / "prompted.onnx", folder / "decoder.onnx"))
    box = np.zeros((90, 120), np.uint8)
    box[15:75, 10:70] = 255
    context = Context()
    assert is_disc(selected("select.object", context, dot() if with_dots else box))
    assert context.notes == ["The public network prompted was used."]


class Detector(torch.nn.Module):
    """Finds all of the image, then the red in it, of both quite sure."""

    def forward(self, images: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        found = (images[0][0] - images[0][1] > 0.3).float()
        masks = torch.stack([torch.ones_like(found), found, found])[:, None]
        return [{"scores": torch.tensor([0.9, 0.8, 0.1]), "masks": masks}]


def test_an_instance_is_the_smallest_with_the_dot_on_it(folder: Path) -> None:
    path = folder / "detector.onnx"
    path.write_bytes(b"detector")
    install("detector", "instances", '[contract]\nkind = "instances"\nsize = 60\nresize = "short_side"\n', [path])
    context = Context()
    context.cache[cache_key("detector")] = Network(Detector(), cards.find_card("detector"))
    assert is_disc(selected("select.object", context, dot()))
    assert context.notes == ["The public network detector was used."]


def blue_fill(path: Path) -> Path:
    graph = Graph()
    image, mask = graph.input("image", (1, 3, 64, 64)), graph.input("mask", (1, 1, 64, 64))
    blue = graph.constant(np.array([0, 0, 1], np.float32).reshape(1, 3, 1, 1))
    known = graph.node("Sub", graph.constant(np.array(1, np.float32)), mask)
    graph.node("Add", graph.node("Mul", image, known), graph.node("Mul", mask, blue), to="output")
    graph.output("output", (1, 3, 64, 64))
    return graph.write(path)


def test_a_hole_has_the_structure_that_a_public_network_sees(folder: Path) -> None:
    from backend.operations.fill.structure_prior import network, structure_prior

    contract = '[contract]\nkind = "inpaint"\nsize = 64\ninput = "image"\noutput = "output"\n'
    install("filler", "inpainting", contract, [blue_fill(folder / "filler.onnx")])
    context, hole = Context(), np.zeros((90, 120), bool)
    hole[30:60, 50:80] = True
    found = network(context)
    assert found is not None and context.notes == ["The public network filler was used."]
    gray = np.full((90, 120, 3), 0.5, np.float32)
    prior = structure_prior(gray, hole, ~hole, found, context)
    assert prior.shape == gray.shape
    assert np.allclose(prior[45, 65], (0, 0, 1), atol=0.05)
    assert np.allclose(prior[5, 5], 0.5, atol=0.01)
