"""What the wrong nodes take from the folder above."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from protocol import KV, KEY_DOES_NOT_EXIST, Node, RpcError  # noqa: E402, F401
