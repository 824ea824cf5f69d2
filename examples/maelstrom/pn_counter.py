"""pn-counter: each node counts what was added and what was taken at itself, and tells the others both; of what it hears of a
node, the larger is the newer. Survives partitions, and messages that are lost, doubled or late; a crash forgets."""

from protocol import Node

node = Node()
up, down = {}, {}


@node.on("add")
def add(_, body):
    counts = up if body["delta"] > 0 else down
    with node.lock:
        counts[node.id] = counts.get(node.id, 0) + abs(body["delta"])
    return {"type": "add_ok"}


@node.on("read")
def read(*_):
    with node.lock:
        return {"type": "read_ok", "value": sum(up.values()) - sum(down.values())}


@node.on("replicate")
def replicate(_, body):
    with node.lock:
        for counts, heard in ((up, body["up"]), (down, body["down"])):
            for one, count in heard.items():
                counts[one] = max(counts.get(one, 0), count)


@node.every(0.2)
def tell():
    with node.lock:
        state = {"type": "replicate", "up": dict(up), "down": dict(down)}
    for other in node.others():
        node.send(other, state)


node.run()
