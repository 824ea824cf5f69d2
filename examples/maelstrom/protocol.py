"""Maelstrom's protocol for the nodes of this folder: JSON lines over standard input and output.

Each message is handled in a thread of its own, so that a handler may wait for answers of others. Only the standard library
is used.
"""

import json
import queue
import sys
import threading

TIMEOUT, NOT_SUPPORTED, CRASH, KEY_DOES_NOT_EXIST, PRECONDITION_FAILED = 0, 10, 13, 20, 22


class RpcError(Exception):
    """An error as the protocol has it: a code, and a text."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


class Node:
    def __init__(self):
        self.id, self.ids = None, []
        self.lock = threading.Lock()  # for what handlers share
        self._handlers, self._started, self._tasks = {}, [], []
        self._waiting, self._next_id = {}, 0
        self._output = threading.Lock()

    def on(self, kind):
        """Names the handler of a type of message. What it returns is the answer."""

        def register(handler):
            self._handlers[kind] = handler
            return handler

        return register

    def every(self, seconds):
        """Names what is done again and again once the node knows who it is."""

        def register(task):
            self._tasks.append((seconds, task))
            return task

        return register

    def others(self):
        return [other for other in self.ids if other != self.id]

    def send(self, dest, body):
        line = json.dumps({"src": self.id, "dest": dest, "body": body})
        with self._output:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def rpc(self, dest, body, timeout=1.0):
        """Asks, and waits for the answer. No answer in time is an error that is not definite."""
        answer = queue.Queue()
        with self.lock:
            self._next_id += 1
            msg_id = self._next_id
            self._waiting[msg_id] = answer
        self.send(dest, {**body, "msg_id": msg_id})
        try:
            body = answer.get(timeout=timeout)
        except queue.Empty:
            raise RpcError(TIMEOUT, f"{dest} did not answer") from None
        finally:
            with self.lock:
                self._waiting.pop(msg_id, None)
        if body["type"] == "error":
            raise RpcError(body["code"], body.get("text", ""))
        return body

    def run(self):
        for line in sys.stdin:
            message = json.loads(line)
            body = message["body"]
            if body["type"] == "init":
                self.id, self.ids = body["node_id"], body["node_ids"]
                self._reply(message, {"type": "init_ok"})
                for seconds, task in self._tasks:
                    threading.Thread(target=self._repeat, args=(seconds, task), daemon=True).start()
            elif "in_reply_to" in body:
                with self.lock:
                    waiting = self._waiting.get(body["in_reply_to"])
                if waiting:
                    waiting.put(body)
            else:
                threading.Thread(target=self._handle, args=(message,), daemon=True).start()

    def _handle(self, message):
        body = message["body"]
        handler = self._handlers.get(body["type"])
        try:
            if handler is None:
                raise RpcError(NOT_SUPPORTED, f"{body['type']} is not known here")
            answer = handler(message["src"], body)
        except RpcError as error:
            answer = {"type": "error", "code": error.code, "text": error.text}
        if answer is not None and "msg_id" in body:
            self._reply(message, answer)

    def _reply(self, message, answer):
        self.send(message["src"], {**answer, "in_reply_to": message["body"]["msg_id"]})

    def _repeat(self, seconds, task):
        pause = threading.Event()
        while not pause.wait(seconds):
            task()


class KV:
    """One of the services that are stores of keys and values."""

    def __init__(self, node, service):
        self.node, self.service = node, service

    def read(self, key, default=None):
        try:
            return self.node.rpc(self.service, {"type": "read", "key": key})["value"]
        except RpcError as error:
            if error.code == KEY_DOES_NOT_EXIST:
                return default
            raise

    def write(self, key, value):
        self.node.rpc(self.service, {"type": "write", "key": key, "value": value})

    def cas(self, key, old, new):
        """Tells whether the value was `old` (or there was none), and is `new` now."""
        body = {"type": "cas", "key": key, "from": old, "to": new, "create_if_not_exists": True}
        try:
            self.node.rpc(self.service, body)
            return True
        except RpcError as error:
            if error.code == PRECONDITION_FAILED:
                return False
            raise
