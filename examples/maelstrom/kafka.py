"""kafka: the log of a key is a list in lin-kv, which grows by compare-and-set; committed offsets are in lin-kv too, and only go
up. Nothing is kept in memory: a crash loses nothing."""

from protocol import KV, Node

node = Node()
kv = KV(node, "lin-kv")


@node.on("send")
def send(_, body):
    while True:
        log = kv.read(f"log-{body['key']}", [])
        if kv.cas(f"log-{body['key']}", log, log + [body["msg"]]):
            return {"type": "send_ok", "offset": len(log)}


@node.on("poll")
def poll(_, body):
    logs = {key: kv.read(f"log-{key}", []) for key in body["offsets"]}
    msgs = {
        key: [[offset, logs[key][offset]] for offset in range(first, len(logs[key]))]
        for key, first in body["offsets"].items()
    }
    return {"type": "poll_ok", "msgs": msgs}


@node.on("commit_offsets")
def commit_offsets(_, body):
    for key, offset in body["offsets"].items():
        while True:
            committed = kv.read(f"committed-{key}")
            if committed is not None and committed >= offset:
                break
            if kv.cas(f"committed-{key}", committed, offset):
                break
    return {"type": "commit_offsets_ok"}


@node.on("list_committed_offsets")
def list_committed_offsets(_, body):
    committed = {key: kv.read(f"committed-{key}") for key in body["keys"]}
    offsets = {key: offset for key, offset in committed.items() if offset is not None}
    return {"type": "list_committed_offsets_ok", "offsets": offsets}


node.run()
