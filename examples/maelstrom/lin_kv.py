"""lin-kv: asks the service of that name."""

from protocol import Node

node = Node()


def forward(_, body):
    request = {name: value for name, value in body.items() if name != "msg_id"}
    answer = node.rpc("lin-kv", request)
    return {name: value for name, value in answer.items() if name not in ("msg_id", "in_reply_to")}


for kind in ("read", "write", "cas"):
    node.on(kind)(forward)

node.run()
