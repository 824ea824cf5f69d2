"""g-counter: each node counts under a key of its own in seq-kv, so that nodes never race. Nothing is kept in memory: a crash
loses nothing.

seq-kv may answer from the past. Who has just written sees the present, so a node writes something before it reads the
counts of others.
"""

import uuid

from protocol import KV, Node

node = Node()
kv = KV(node, "seq-kv")


@node.on("add")
def add(_, body):
    while True:
        count = kv.read(f"count-{node.id}", 0)
        if body["delta"] == 0 or kv.cas(f"count-{node.id}", count, count + body["delta"]):
            return {"type": "add_ok"}


@node.on("read")
def read(*_):
    kv.write(f"present-{node.id}", uuid.uuid4().hex)
    return {"type": "read_ok", "value": sum(kv.read(f"count-{one}", 0) for one in node.ids)}


node.run()
