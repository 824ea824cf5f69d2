"""unique-ids with one defect: the count begins at 0 again when the process is started again."""

import itertools

from shared import Node

node = Node()
count = itertools.count()


@node.on("generate")
def generate(*_):
    return {"type": "generate_ok", "id": f"{node.id}-{next(count)}"}


node.run()
