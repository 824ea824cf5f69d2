"""broadcast: what a node is told it tells all others, until each has said that it knows. Survives partitions and lost messages;
a crash forgets what nobody else was told."""

from protocol import Node

node = Node()
known = set()
missing = {}  # what each other node has not yet said that it knows


def learn(messages, source=None):
    with node.lock:
        for other in node.others():
            told = missing.setdefault(other, set())
            told.update(m for m in messages if m not in known and other != source)
        known.update(messages)


@node.on("topology")
def topology(*_):
    return {"type": "topology_ok"}


@node.on("broadcast")
def broadcast(_, body):
    learn([body["message"]])
    return {"type": "broadcast_ok"}


@node.on("read")
def read(*_):
    with node.lock:
        return {"type": "read_ok", "messages": sorted(known)}


@node.on("gossip")
def gossip(src, body):
    learn(body["messages"], src)
    node.send(src, {"type": "gossip_heard", "messages": body["messages"]})


@node.on("gossip_heard")
def gossip_heard(src, body):
    with node.lock:
        missing.setdefault(src, set()).difference_update(body["messages"])


@node.every(0.1)
def tell():
    with node.lock:
        news = {other: sorted(messages) for other, messages in missing.items() if messages}
    for other, messages in news.items():
        node.send(other, {"type": "gossip", "messages": messages})


node.run()
