"""The half of Inlay that runs in the editor and in the command line: actions, images as bytes, messages."""
