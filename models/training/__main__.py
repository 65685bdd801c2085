"""Command line of the training: `python -m models.training {cache,relabel,segment,paste,fill,style,...} --help`."""

from __future__ import annotations

import argparse
from pathlib import Path

EPOCH_SAMPLES = 4690  # samples called an epoch where samples are endless: as many as there are labeled photographs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    cache = commands.add_parser(
        "cache", help="decode the pictures of a data folder once, and let the teachers label them"
    )
    cache.add_argument("--data", type=Path, required=True, help="holds subjects/, photos/ and reference/")
    cache.add_argument("--out", type=Path, required=True)

    relabel = commands.add_parser(
        "relabel", help="let trained subject networks label the photographs of which they are sure"
    )
    relabel.add_argument("--data", type=Path, required=True, help="a cache folder")
    relabel.add_argument("weights", type=Path, nargs="+", help="exported subject networks; all must agree")

    mean = commands.add_parser("mean", help="average the weights of several subject networks with a common start")
    mean.add_argument("weights", type=Path, nargs="+", help="exported networks")
    mean.add_argument("--out", type=Path, required=True)

    segment = commands.add_parser("segment", help="train a segmentation network")
    segment.add_argument(
        "--network",
        default="subject",
        help="subject, or one of the papers: fcn32s, fcn16s, fcn8s, fcn4s, deeplab_lfov, cnn_resnet",
    )
    segment.add_argument(
        "--data",
        type=Path,
        required=True,
        help="subject: a cache folder; else a folder in PASCAL VOC's layout or with images/ and masks/",
    )
    segment.add_argument("--out", type=Path, required=True, help="the run's folder: logs, checkpoints")
    length = segment.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="length by the clock; the learning rate falls to its end by then")
    length.add_argument("--epochs", type=int, help="length by samples (default: 30, the papers')")
    segment.add_argument(
        "--size", type=int, help="picture side in pixels (default: subject 192, 256, 320 in turn; papers 224)"
    )
    segment.add_argument("--batch", type=int, default=12, help="pictures a process and step")
    segment.add_argument(
        "--rate", type=float, help="peak learning rate (default: subject 1.2e-3, the papers' for theirs)"
    )
    segment.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    segment.add_argument("--bf16", action="store_true", help="forward and backward passes in bfloat16")
    segment.add_argument("--seed", type=int, default=0)
    segment.add_argument(
        "--again",
        type=float,
        default=0.0,
        help="subject: share of samples asked for by the first answer",
    )
    segment.add_argument(
        "--people", type=float, default=1.0, help="subject: how many times as often as else people are looked at"
    )
    segment.add_argument(
        "--encoder", type=Path, help="subject: MobileNetV2 weights in torchvision's names to start from"
    )
    segment.add_argument(
        "--from",
        dest="start",
        type=Path,
        help="weights to start from: an exported network; for FCN-16s, 8s and 4s the coarser one",
    )
    segment.add_argument(
        "--trunk", type=Path, help="papers: VGG-16 weights in torchvision's names, or a feature network, to start from"
    )
    segment.add_argument("--classes", type=int, default=21, help="papers: number of classes, background included")
    segment.add_argument(
        "--width", type=float, default=1.0, help="papers: width of the VGG trunk, 1 being the published one"
    )
    segment.add_argument(
        "--padding", type=int, default=100, help="papers: padding of the first layer of an FCN: 80, 100 or 130"
    )
    segment.add_argument("--balance", action="store_true", help="papers: weigh classes by median frequency")

    _add_paste(commands.add_parser("paste", help="train the copy-paste network"))

    fill = commands.add_parser("fill", help="train the inpainting network")
    fill.add_argument("--data", type=Path, required=True, help="holds photos/, subjects/ and reference/")
    fill.add_argument("--out", type=Path, required=True, help="the run's folder: logs, checkpoints")
    fill.add_argument("--cache", type=Path, help="a cache folder, to read photographs and subjects from")
    length = fill.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="length by the clock")
    length.add_argument("--steps", type=int, help="length by steps")
    fill.add_argument("--width", type=int, default=64, help="channels of the first layer (default: 64, the paper's)")
    fill.add_argument("--depth", type=int, default=8, help="halvings of the picture (default: 8, the paper's)")
    fill.add_argument("--smooth", action="store_true", help="the network also sees the hole filled smoothly")
    fill.add_argument("--style", type=float, default=120, help="weight of each style term (default: 120, the paper's)")
    fill.add_argument("--size", type=int, default=512, help="picture side in pixels, a multiple of 2 ** depth")
    fill.add_argument("--batch", type=int, default=6, help="pictures a process and step")
    fill.add_argument("--rate", type=float, default=2e-4, help="learning rate of the first phase")
    fill.add_argument("--fine-rate", type=float, default=5e-5, help="of the second, with the encoder's norms frozen")
    fill.add_argument("--cycle", action="store_true", help="one cycle of the learning rate instead of the two rates")
    fill.add_argument("--fine-from", type=float, default=0.7, help="share of the run after which the second begins")
    fill.add_argument("--loss-network", choices=("squeezenet", "vgg16"), default="squeezenet")
    fill.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    fill.add_argument("--bf16", action="store_true", help="forward and backward passes in bfloat16")
    fill.add_argument("--workers", type=int, default=1, help="processes that make samples")
    fill.add_argument("--seed", type=int, default=0)

    _add_style(commands.add_parser("style", help="train the feed-forward style network"))
    _add_features(commands.add_parser("features", help="distil the feature network"))
    _add_predictor(commands.add_parser("predictor", help="train the network that takes any picture as the style"))

    export = commands.add_parser(
        "export", help="put a run's weights beside a card, with the scores on the dev split in it"
    )
    export.add_argument("--run", type=Path, required=True)
    export.add_argument(
        "--weights", default="best.safetensors", help="which file of the run (default: best.safetensors)"
    )
    export.add_argument(
        "--data", type=Path, required=True, help="the cache folder (fill, style: the data folder), for the scores"
    )
    export.add_argument(
        "--task",
        choices=("subject", "paste", "fill", "style", "features", "any_style"),
        default="subject",
        help="what the run trained",
    )
    export.add_argument("--name", default="subject", help="name of the card")
    export.add_argument("--size", type=int, default=320)
    export.add_argument("--shrink", type=float, default=1.0, help="factor on what the inpainting network adds")
    export.add_argument("--every", type=int, default=1, help="score only each so-many-th picture")

    plot = commands.add_parser("plot", help="draw a run's losses and scores")
    plot.add_argument("--run", type=Path, required=True)
    plot.add_argument("--out", type=Path, required=True)
    return parser


def _add_paste(paste: argparse.ArgumentParser) -> None:
    paste.add_argument("--data", type=Path, required=True, help="a cache folder")
    paste.add_argument("--out", type=Path, required=True, help="the run's folder: logs, checkpoints")
    length = paste.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float)
    length.add_argument("--steps", type=int)
    paste.add_argument("--width", type=int, default=40, help="feature maps at half resolution; the paper's is 128")
    paste.add_argument("--poisson", action="store_true", help="the network also sees the Poisson solution")
    paste.add_argument("--affine", action="store_true", help="the network answers with a color transform a pixel")
    paste.add_argument("--stride", type=int, default=1, help="pixels a side for one of these transforms: 1, 2 or 4")
    paste.add_argument("--adversarial", action="store_true", help="the paper's losses, with the discriminator")
    paste.add_argument("--critic-width", type=int, default=64, help="channels of the discriminator's first layer")
    paste.add_argument("--sigma", type=float, default=10, help="corner offsets in pixels at 512: 15 for faces")
    paste.add_argument("--global-shading", action="store_true", help="one color change for all of the source")
    paste.add_argument("--ablation", choices=("sigma", "shading"), help="train and compare the paper's variants")
    paste.add_argument("--size", type=int, default=256, help="side of the crops")
    paste.add_argument("--batch", type=int, default=8, help="pictures a process and step")
    paste.add_argument("--rate", type=float, help="learning rate (default: 1.5e-3 at its peak; adversarial 2e-4)")
    paste.add_argument("--workers", type=int, default=1, help="processes that make samples")
    paste.add_argument("--from", dest="start", type=Path, help="weights to start from: an exported network")
    paste.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    paste.add_argument("--bf16", action="store_true", help="the generator's passes in bfloat16")
    paste.add_argument("--compiled", action="store_true", help="by torch.compile; needs a C++ compiler")
    paste.add_argument("--seed", type=int, default=0)


def _add_style(style: argparse.ArgumentParser) -> None:
    style.add_argument("--data", type=Path, required=True, help="holds styles/, photos/dev and reference/")
    style.add_argument("--cache", type=Path, required=True, help="a cache folder, for the photographs")
    style.add_argument("--out", type=Path, required=True, help="the run's folder: logs, checkpoints")
    length = style.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="length by the clock; the learning rate falls to its end by then")
    length.add_argument("--steps", type=int, help="length by steps")
    style.add_argument("--styles", nargs="+", help="presets to learn (default: all of models/zoo/style_presets.py)")
    style.add_argument("--size", type=int, help="side of the crops in pixels (default: 192, then 256)")
    style.add_argument("--batch", type=int, default=6, help="pictures a process and step")
    style.add_argument("--width", type=int, default=16, help="channels of the first layer; the paper's is 32")
    style.add_argument("--blocks", type=int, default=5, help="residual blocks")
    style.add_argument("--rate", type=float, default=3e-3, help="peak learning rate of the layers")
    style.add_argument("--code-rate", type=float, default=1e-2, help="peak learning rate of the style codes")
    style.add_argument("--gram-weight", type=float, default=6.0, help="weight of the Gram loss at first")
    style.add_argument("--content-target", type=float, default=1.3, help="content loss to which that weight is steered")
    style.add_argument("--loss-network", choices=("squeezenet", "vgg16"), default="squeezenet")
    style.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    style.add_argument("--bf16", action="store_true", help="forward and backward passes in bfloat16")
    style.add_argument("--compiled", action="store_true", help="by torch.compile; needs a C++ compiler")
    style.add_argument("--workers", type=int, default=1, help="processes that make samples")
    style.add_argument("--seed", type=int, default=0)


def _add_distilled(parser: argparse.ArgumentParser, batch: int, rate: float) -> None:
    """What `features` and `predictor` have in common."""
    parser.add_argument("--data", type=Path, required=True, help="holds styles/, photos/dev and reference/")
    parser.add_argument("--cache", type=Path, required=True, help="a cache folder, for the photographs")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder: logs, checkpoints")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="length by the clock")
    length.add_argument("--steps", type=int, help="length by steps")
    parser.add_argument("--batch", type=int, default=batch, help="pictures a process and step")
    parser.add_argument("--rate", type=float, default=rate, help="peak learning rate")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument("--bf16", action="store_true", help="forward and backward passes in bfloat16")
    parser.add_argument("--workers", type=int, default=1, help="processes that make samples")
    parser.add_argument("--seed", type=int, default=0)


def _add_features(features: argparse.ArgumentParser) -> None:
    _add_distilled(features, batch=12, rate=2e-3)
    features.add_argument("--width", type=float, default=0.25, help="of VGG-16's channels")
    features.add_argument("--gram-weight", type=float, default=0.2, help="of the Gram matrices' difference")


def _add_predictor(predictor: argparse.ArgumentParser) -> None:
    _add_distilled(predictor, batch=6, rate=1e-3)
    predictor.add_argument("--from", dest="start", type=Path, help="an exported style network to start from")
    predictor.add_argument("--encoder", type=Path, help="an exported feature network to start from")
    predictor.add_argument("--held-out", nargs="+", default=(), help="paintings (file names) kept for measuring")
    predictor.add_argument("--gram-weight", type=float, default=6.0, help="of the Gram loss; content has 1")
    predictor.add_argument("--loss-network", choices=("squeezenet", "vgg16"), default="squeezenet")
    predictor.add_argument("--compiled", action="store_true", help="by torch.compile; needs a C++ compiler")


def _features(options: argparse.Namespace) -> None:
    from models.training.features.train import Settings, train

    print(train(Settings(**{name: value for name, value in vars(options).items() if name != "command"})))


def _predictor(options: argparse.Namespace) -> None:
    from models.training.style.predictor import Settings, train

    given = {name: value for name, value in vars(options).items() if name != "command"}
    print(train(Settings(**given | {"held_out": tuple(options.held_out)})))


def _style(options: argparse.Namespace) -> None:
    from models.training.style.train import Settings, train

    given = {name: value for name, value in vars(options).items() if name not in ("command", "size", "styles")}
    if options.styles:
        given["styles"] = tuple(options.styles)
    if options.size:
        given["sizes"] = ((1.0, options.size),)
    print(train(Settings(**given)))


def _paste(options: argparse.Namespace) -> None:
    from backend.imaging.poisson.seamless_clone import seamless_clone
    from models.papers.copy_paste import CopyPasteConfig
    from models.training.paste.data import Difficulty
    from models.training.paste.train import Settings, ablate, train

    settings = Settings(
        options.data, options.out, CopyPasteConfig(options.width, options.poisson, options.affine, options.stride),
        seamless_clone if options.poisson else None, Difficulty(options.sigma, not options.global_shading),
        options.adversarial, options.critic_width, options.start, options.minutes, options.steps, options.size,
        options.batch, options.rate, options.bf16, options.compiled, options.resume, options.seed, options.workers,
    )  # fmt: skip
    for row in ablate(settings, options.ablation) if options.ablation else [train(settings)]:
        print(row)


def _cache(options: argparse.Namespace) -> None:
    from models.training.core.cache import write_table
    from models.training.segmentation.teachers import TFLite, write_agreed, write_labels

    folders = {
        "subjects": "subjects/train",
        "dev": "subjects/dev",
        "cutouts": "subjects/cutouts",
        "photos": "photos/train",
    }
    for name, folder in folders.items():
        print(f"{name}: {len(write_table(options.data / folder, options.out, name))} pictures", flush=True)
    reference = options.data / "reference"
    deeplab = TFLite(reference / "deeplabv3_mnv2_pascal_quant.tflite")
    for name in ("subjects", "photos"):
        write_labels(options.out, name, deeplab)
    agreed = write_agreed(options.out, "photos", TFLite(reference / "segm_full_v679.tflite"))
    print(f"the teachers agree on {agreed} photographs")


def _relabel(options: argparse.Namespace) -> None:
    from models.training.segmentation.subject import load
    from models.training.segmentation.teachers import write_sure

    print(f"sure of {write_sure(options.data, 'photos', [load(path) for path in options.weights])} more photographs")


def _mean(options: argparse.Namespace) -> None:
    from models.training.segmentation.subject import mean

    mean(options.weights, options.out)


def _segment(options: argparse.Namespace) -> None:
    if options.network == "subject":
        _segment_subject(options)
        return
    from models.training.segmentation.papers import Settings, train

    print(train(Settings.from_options(options)))


def _segment_subject(options: argparse.Namespace) -> None:
    from models.training.core.run import Process
    from models.training.segmentation.subject import Settings, train

    world = Process.start().world
    steps = None if options.minutes else (options.epochs or 30) * EPOCH_SAMPLES // (options.batch * world)
    settings = Settings(
        options.data, options.out, options.encoder, options.start, options.minutes, steps,
        batch=options.batch, bf16=options.bf16, resume=options.resume, seed=options.seed,
        rate=options.rate or Settings.rate, encoder_rate=(options.rate or Settings.rate) / 4,
        sizes=((1.0, options.size),) if options.size else Settings.sizes, again=options.again, people=options.people,
    )  # fmt: skip
    print(train(settings))


def _fill(options: argparse.Namespace) -> None:
    from models.training.fill.losses import LossWeights
    from models.training.fill.train import Settings, train

    given = {name: value for name, value in vars(options).items() if name not in ("command", "style")}
    print(train(Settings(**given, weights=LossWeights(style_raw=options.style, style_composed=options.style))))


def _export(options: argparse.Namespace) -> None:
    if options.task == "fill":
        from models.training.fill.export import export_fill

        print(export_fill(options.run / options.weights, options.name, options.data, options.size, options.shrink))
        return
    if options.task == "style":
        from models.training.style.export import export_styles

        print(export_styles(options.run / options.weights, options.data, every=options.every))
        return
    if options.task in ("features", "any_style"):
        from models.training.features.export import export_any_style, export_features

        export = export_features if options.task == "features" else export_any_style
        print(export(options.run / f"{options.task}.safetensors"))
        return
    from backend.imaging.poisson.seamless_clone import seamless_clone
    from models.training.segmentation.export import export_paste, export_subject

    if options.task == "paste":
        count = 192 // options.every
        weights = options.run / options.weights
        print(export_paste(weights, options.name, options.data, options.size, count, seamless_clone))
        return
    print(export_subject(options.run / options.weights, options.name, options.data, options.size, options.every))


def _plot(options: argparse.Namespace) -> None:
    from models.training.core.plot import plot_run

    plot_run(options.run, options.out)


def main() -> None:
    options = _parser().parse_args()
    {"cache": _cache, "relabel": _relabel, "mean": _mean, "segment": _segment, "paste": _paste, "fill": _fill,
     "style": _style, "features": _features, "predictor": _predictor,
     "export": _export, "plot": _plot}[options.command](options)  # fmt: skip


if __name__ == "__main__":
    main()
