"""kafka with one defect: the log of a key is read and written back; of two sends at a time, one is overwritten."""

from shared import KV, Node

node = Node()
kv = KV(node, "lin-kv")


@node.on("send")
def send(_, body):
    log = kv.read(f"log-{body['key']}", [])
    kv.write(f"log-{body['key']}", log + [body["msg"]])
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
def commit_offsets(*_):
    return {"type": "commit_offsets_ok"}


@node.on("list_committed_offsets")
def list_committed_offsets(*_):
    return {"type": "list_committed_offsets_ok", "offsets": {}}


node.run()
