"""unique-ids: an id is the node, a number drawn at its start, and a count. What was given before a crash is not given again."""

import itertools
import uuid

from protocol import Node

node = Node()
life = uuid.uuid4().hex
count = itertools.count()


@node.on("generate")
def generate(*_):
    return {"type": "generate_ok", "id": f"{node.id}-{life}-{next(count)}"}


node.run()
