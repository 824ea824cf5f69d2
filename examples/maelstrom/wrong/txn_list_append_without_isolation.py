"""txn-list-append with one defect: the parts of a transaction are done one by one, and others see what is half done."""

from shared import KV, Node

node = Node()
kv = KV(node, "lin-kv")


def append(key, value):
    while True:
        before = kv.read(key, [])
        if kv.cas(key, before, before + [value]):
            return


@node.on("txn")
def txn(_, body):
    done = []
    for kind, key, value in body["txn"]:
        if kind == "append":
            append(key, value)
            done.append([kind, key, value])
        else:
            done.append([kind, key, kv.read(key)])
    return {"type": "txn_ok", "txn": done}


node.run()
