"""echo with one defect: spaces at the ends of words are gone."""

from shared import Node

node = Node()


@node.on("echo")
def echo(_, body):
    return {"type": "echo_ok", "echo": body["echo"].replace(" ", "")}


node.run()
