"""Builders of the well-known networks that torchvision implements; their published checkpoints load into these
strictly."""

from __future__ import annotations

from torch import nn


def maskrcnn_resnet50_fpn() -> nn.Module:
    """Mask R-CNN (He et al. 2017), 91 COCO categories."""
    from torchvision.models.detection import maskrcnn_resnet50_fpn as build

    net: nn.Module = build(weights=None, weights_backbone=None, num_classes=91)
    return net


def deeplabv3_mobilenet_v3_large() -> nn.Module:
    """DeepLabV3 (Chen et al. 2017), 21 PASCAL classes."""
    from torchvision.models.segmentation import deeplabv3_mobilenet_v3_large as build

    net: nn.Module = build(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    return net


def fcn_resnet50() -> nn.Module:
    """FCN (Long et al. 2015) on ResNet-50, 21 PASCAL classes."""
    from torchvision.models.segmentation import fcn_resnet50 as build

    net: nn.Module = build(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    return net


def lraspp_mobilenet_v3_large() -> nn.Module:
    """LR-ASPP (Howard et al. 2019), 21 PASCAL classes."""
    from torchvision.models.segmentation import lraspp_mobilenet_v3_large as build

    net: nn.Module = build(weights=None, weights_backbone=None, num_classes=21)
    return net


def vgg16() -> nn.Module:
    """VGG-16 (Simonyan and Zisserman 2015), 1000 ImageNet classes."""
    from torchvision.models import vgg16 as build

    net: nn.Module = build(weights=None)
    return net
