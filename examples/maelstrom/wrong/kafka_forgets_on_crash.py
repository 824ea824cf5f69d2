"""kafka with one defect: the first node keeps all logs, in memory alone."""

from shared import Node

node = Node()
logs, committed = {}, {}


def owned(handler):
    """Asks the first node, which keeps everything."""

    def ask(src, body):
        if node.id != node.ids[0]:
            return {k: v for k, v in node.rpc(node.ids[0], body, 3.0).items() if k not in ("msg_id", "in_reply_to")}
        with node.lock:
            return handler(body)

    return ask


@node.on("send")
@owned
def send(body):
    log = logs.setdefault(body["key"], [])
    log.append(body["msg"])
    return {"type": "send_ok", "offset": len(log) - 1}


@node.on("poll")
@owned
def poll(body):
    msgs = {key: list(enumerate(logs.get(key, [])))[first:] for key, first in body["offsets"].items()}
    return {"type": "poll_ok", "msgs": msgs}


@node.on("commit_offsets")
@owned
def commit_offsets(body):
    committed.update(body["offsets"])
    return {"type": "commit_offsets_ok"}


@node.on("list_committed_offsets")
@owned
def list_committed_offsets(body):
    offsets = {key: committed[key] for key in body["keys"] if key in committed}
    return {"type": "list_committed_offsets_ok", "offsets": offsets}


node.run()
