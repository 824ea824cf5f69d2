"""What speaks for squall: lines of JSON in, lines of JSON out (docs/live.md).

python3 client.py BROKER, which is redis-stream or jetstream.

An order is published (`ok`) when the broker has answered. An error that the broker answers with changed nothing (`fail`). Of
anything else nobody knows (`info`), and it is not repeated.

Effects are the bookings of the ledger, told as they land. In the end all of them are told, once the broker says that its group
has been given all orders and has acknowledged each.
"""

import asyncio
import hashlib
import json
import os
import sys

import nats
from nats.js.errors import APIError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

LOOK_EVERY = 0.2
TIMEOUT = 2


def redis(addresses):
    # redis-py repeats a command three times unless told otherwise.
    retry = Retry(NoBackoff(), 0)
    host = os.environ[addresses]
    return Redis(host=host, retry=retry, socket_timeout=TIMEOUT, decode_responses=True, protocol=2)


store = redis("SQUALL_STORES")


class RedisStream:
    """The stream `orders` and its group `billing`."""

    async def connect(self):
        self.redis = redis("SQUALL_BROKERS")
        await self.redis.ping()

    async def publish(self, order):
        try:
            await self.redis.xadd("orders", {"order": order})
        except ResponseError as error:
            raise Refused(str(error)) from error

    async def what_is_left(self):
        last = (await self.redis.xinfo_stream("orders"))["last-generated-id"]
        groups = await self.redis.xinfo_groups("orders")
        group = next(group for group in groups if group["name"] == "billing")
        if group["last-delivered-id"] != last:
            given = group["last-delivered-id"]
            return f"the group was given entries up to {given}, and the stream ends at {last}"
        if group["pending"]:
            return f"{group['pending']} entries were given and not acknowledged"
        return None


class JetStream:
    """The stream `orders` and its durable consumer `billing`."""

    async def connect(self):
        async def log(error):
            print(error, file=sys.stderr, flush=True)

        server = f"nats://{os.environ['SQUALL_BROKERS']}:4222"
        connection = await nats.connect(
            server, connect_timeout=TIMEOUT, max_reconnect_attempts=-1, error_cb=log
        )
        self.jetstream = connection.jetstream(timeout=TIMEOUT)
        await self.jetstream.add_stream(name="orders", subjects=["orders"])

    async def publish(self, order):
        try:
            await self.jetstream.publish("orders", str(order).encode())
        except APIError as error:
            raise Refused(str(error)) from error

    async def what_is_left(self):
        last = (await self.jetstream.stream_info("orders")).state.last_seq
        group = await self.jetstream.consumer_info("orders", "billing")
        if group.delivered.stream_seq != last:
            given = group.delivered.stream_seq
            return f"the group was given orders up to {given}, and the stream ends at {last}"
        if group.num_ack_pending:
            return f"{group.num_ack_pending} orders were given and not acknowledged"
        return None


class Refused(Exception):
    """The broker answered with an error."""


broker = {"redis-stream": RedisStream, "jetstream": JetStream}[sys.argv[1]]()


def say(**what):
    print(json.dumps(what), flush=True)


async def publish(id):
    try:
        await broker.publish(id)
        say(ok=id)
    except Refused as error:
        say(fail=id, why=str(error))
    # What a library raises when a connection breaks is its own affair.
    except Exception as error:
        say(info=id, why=repr(error))


async def tell_the_ledger():
    async with store.pipeline(transaction=True) as both:
        length, ledger = await both.hlen("ledger").hgetall("ledger").execute()
    for booking, order in ledger.items():
        # A booking has the same number whenever it is read.
        number = int(hashlib.sha256(booking.encode()).hexdigest()[:12], 16)
        say(effect=int(order), number=number)
    if length != len(ledger):
        raise RedisError(f"the ledger has {length} bookings, and {len(ledger)} were read")


async def read():
    try:
        why = await broker.what_is_left()
        await tell_the_ledger()
    except Exception as error:
        why = repr(error)
    say(end=why is None, **({"why": why} if why else {}))


async def follow_the_ledger():
    while True:
        try:
            await tell_the_ledger()
        except RedisError:
            pass
        await asyncio.sleep(LOOK_EVERY)


async def ready():
    while True:
        try:
            await broker.connect()
            return await store.ping()
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
            await asyncio.sleep(0.05)


async def main():
    await ready()
    say(ready=True)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    # asyncio keeps no task that nobody holds.
    tasks = {loop.create_task(follow_the_ledger())}
    async for line in lines:
        asked = json.loads(line)
        if "poison" in asked:
            say(fail=asked["publish"], why="a broker takes any order")
        elif "publish" in asked:
            tasks.add(loop.create_task(publish(asked["publish"])))
        elif "read" in asked:
            tasks.add(loop.create_task(read()))


asyncio.run(main())
