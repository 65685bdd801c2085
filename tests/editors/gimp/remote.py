"""Runs inside GIMP, as a batch script: executes the code that the test process sends, one piece after the other.

A piece of code finds Gimp, Gegl, Babl and the functions below; what it assigns to `answer` goes back as JSON.
"""

import base64
import json
import os
import socket
import sys
import time
import traceback

import gi

for _name, _version in {"Gimp": "3.0", "Gegl": "0.4", "Babl": "0.1"}.items():
    gi.require_version(_name, _version)
from gi.repository import Babl, Gegl, Gimp, Gio, GLib  # noqa: E402, F401  versions come first; for the code that is sent

FOLDER = os.environ["GIMP3_DIRECTORY"] + "/plug-ins/inlay"
sys.path += [FOLDER, FOLDER + "/vendor"]  # so that `plugin.gimp` can be tried by itself

RGB, GRAY = Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY


def open_image(path):
    """The image in a file, as an image."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))


def new_image(width, height, base=RGB, precision=Gimp.Precision.U8_NON_LINEAR):
    """An image without layers."""
    return Gimp.Image.new_with_precision(width, height, base, precision)


def add_layer(image, width, height, x=0, y=0, alpha=True, name="layer", parent=None):
    """A new layer at the top of `parent`."""
    gray = image.get_base_type() == GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    if not alpha:
        kind = Gimp.ImageType.GRAY_IMAGE if gray else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, width, height, kind, 100.0, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(x, y)
    return layer


def add_group(image, name="group", parent=None):
    """A new layer group at the top of `parent`."""
    group = Gimp.GroupLayer.new(image, name)
    image.insert_layer(group, parent, 0)
    return group


def whole(drawable):
    """The rectangle of a drawable, in its own coordinates."""
    return Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())


def raw(drawable):
    """A drawable's bytes as GIMP holds them."""
    return drawable.get_buffer().get(whole(drawable), 1.0, Babl.get_name(drawable.get_format()), Gegl.AbyssPolicy.NONE)


def put(drawable, data, encoding=None):
    """Set a drawable's bytes."""
    buffer = drawable.get_buffer()
    buffer.set(whole(drawable), encoding or Babl.get_name(drawable.get_format()), data)
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def selection(image):
    """The selection's bytes, one a pixel."""
    rectangle = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    return image.get_selection().get_buffer().get(rectangle, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)


def sent(data):
    """Bytes as text, for an answer; `received` of harness.py makes bytes of it again."""
    return base64.b64encode(data).decode()


def call(name, image, drawables, **arguments):
    """Run a procedure without asking anybody: how it ended, its message, and the seconds it took."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for argument, value in arguments.items():
        config.set_property(argument.replace("_", "-"), value)
    start = time.monotonic()
    result = procedure.run(config)
    status = result.index(0)
    message = "" if status == Gimp.PDBStatusType.SUCCESS or result.length() < 2 else str(result.index(1))
    return {"status": status.value_nick, "message": message, "seconds": time.monotonic() - start}


in_front = []
"""Id of the image in the window."""


def show(image):
    """Show an image in place of the one in the window, if there is one."""
    if in_front:
        Gimp.displays_reconnect(shown(), image)
    in_front[:] = [image.get_id()]
    image.clean_all()


def shown():
    """The image in the window. Not the first of all images: actions make images of their own while they run."""
    return Gimp.Image.get_by_id(in_front[0])


def serve(path):
    """Answer until the test process hangs up."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    peer, _ = server.accept()
    for line in peer.makefile("rb"):
        space = dict(globals(), answer=None)
        try:
            exec(json.loads(line), space)
            reply = {"answer": space["answer"]}
        except BaseException:
            reply = {"error": traceback.format_exc()}
        peer.sendall(json.dumps(reply).encode() + b"\n")


serve(os.environ["INLAY_TEST_SOCKET"])
