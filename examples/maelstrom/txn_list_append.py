"""txn-list-append: all lists are one value in lin-kv, which a transaction reads, and replaces if it is still the same."""

from protocol import KV, Node, RpcError

TXN_CONFLICT = 30

node = Node()
kv = KV(node, "lin-kv")


@node.on("txn")
def txn(_, body):
    for _ in range(10):
        before = kv.read("lists", {})
        after, done = dict(before), []
        for kind, key, value in body["txn"]:
            if kind == "append":
                after[str(key)] = after.get(str(key), []) + [value]
                done.append([kind, key, value])
            else:
                done.append([kind, key, after.get(str(key))])
        if after == before or kv.cas("lists", before, after):
            return {"type": "txn_ok", "txn": done}
    raise RpcError(TXN_CONFLICT, "others were faster")


node.run()
