"""g-counter with one defect: all nodes count under one key, which they read and write; of two at a time, one is lost."""

from shared import KV, Node

node = Node()
kv = KV(node, "lin-kv")


@node.on("add")
def add(_, body):
    kv.write("count", kv.read("count", 0) + body["delta"])
    return {"type": "add_ok"}


@node.on("read")
def read(*_):
    return {"type": "read_ok", "value": kv.read("count", 0)}


node.run()
