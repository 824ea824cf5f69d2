"""broadcast with one defect: each message is told to each other node once, and never again."""

from shared import Node

node = Node()
known = set()


def learn(message, tell):
    with node.lock:
        new = message not in known
        known.add(message)
    if new and tell:
        for other in node.others():
            node.send(other, {"type": "gossip", "message": message})


@node.on("topology")
def topology(*_):
    return {"type": "topology_ok"}


@node.on("broadcast")
def broadcast(_, body):
    learn(body["message"], True)
    return {"type": "broadcast_ok"}


@node.on("gossip")
def gossip(_, body):
    learn(body["message"], False)


@node.on("read")
def read(*_):
    with node.lock:
        return {"type": "read_ok", "messages": sorted(known)}


node.run()
