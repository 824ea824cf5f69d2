"""pn-counter with one defect: what is added at a node is told to the others as it is, and a message that comes twice counts
twice."""

from shared import Node, RpcError

node = Node()
total = 0
untold = []  # what another node has not yet said that it heard: node, number, delta
heard = 0


@node.on("add")
def add(_, body):
    global total, heard
    with node.lock:
        total += body["delta"]
        heard += 1
        untold.extend((other, heard, body["delta"]) for other in node.others())
    return {"type": "add_ok"}


@node.on("read")
def read(*_):
    return {"type": "read_ok", "value": total}


@node.on("added")
def added(_, body):
    global total
    with node.lock:
        total += body["delta"]
    return {"type": "added_ok"}


@node.every(0.05)
def tell():
    with node.lock:
        now = list(untold)
    for one in now:
        other, _, delta = one
        try:
            node.rpc(other, {"type": "added", "delta": delta})
        except RpcError:
            continue
        with node.lock:
            untold.remove(one)


node.run()
