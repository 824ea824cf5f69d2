"""echo: answers with what it was sent."""

from protocol import Node

node = Node()


@node.on("echo")
def echo(_, body):
    return {"type": "echo_ok", "echo": body["echo"]}


node.run()
