"""g-set: nodes tell each other all that they have, again and again; a set takes everything twice as well as once."""

from protocol import Node

node = Node()
elements = set()


@node.on("add")
def add(_, body):
    with node.lock:
        elements.add(body["element"])
    return {"type": "add_ok"}


@node.on("read")
def read(*_):
    with node.lock:
        return {"type": "read_ok", "value": sorted(elements)}


@node.on("replicate")
def replicate(_, body):
    with node.lock:
        elements.update(body["elements"])


@node.every(0.2)
def tell():
    with node.lock:
        all_of_them = sorted(elements)
    for other in node.others():
        node.send(other, {"type": "replicate", "elements": all_of_them})


node.run()
