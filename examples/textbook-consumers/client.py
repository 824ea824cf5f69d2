"""What speaks for squall: lines of JSON in, lines of JSON out (docs/live.md).

An order is published by an XADD. It is done (`ok`) when the broker has answered; an error that Redis answers with changed
nothing (`fail`); of anything else nobody knows (`info`), and it is not repeated: Redis would take it for another entry.

Effects are the bookings of the ledger, told as they land. In the end all of them are told, once the broker says that its group
has been given all entries and has acknowledged each.
"""

import asyncio
import hashlib
import json
import os
import sys

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

STREAM, GROUP = "orders", "billing"
LOOK_EVERY = 0.2
TIMEOUT = 2

# redis-py repeats a command three times unless told otherwise.
once = {"retry": Retry(NoBackoff(), 0), "socket_timeout": TIMEOUT, "decode_responses": True, "protocol": 2}
broker = Redis(host=os.environ["SQUALL_BROKERS"], **once)
store = Redis(host=os.environ["SQUALL_STORES"], **once)


def say(**what):
    print(json.dumps(what), flush=True)


async def publish(id):
    try:
        await broker.xadd(STREAM, {"order": id})
        say(ok=id)
    except ResponseError as error:
        say(fail=id, why=str(error))
    except RedisError as error:
        say(info=id, why=str(error))


async def tell_the_ledger():
    async with store.pipeline(transaction=True) as both:
        length, ledger = await both.hlen("ledger").hgetall("ledger").execute()
    for booking, order in ledger.items():
        # A booking has the same number whenever it is read.
        number = int(hashlib.sha256(booking.encode()).hexdigest()[:12], 16)
        say(effect=int(order), number=number)
    if length != len(ledger):
        raise RedisError(f"the ledger has {length} bookings, and {len(ledger)} were read")


async def what_is_left():
    """Why the group is not done with the stream; nothing if it is."""
    last = (await broker.xinfo_stream(STREAM))["last-generated-id"]
    groups = await broker.xinfo_groups(STREAM)
    group = next(group for group in groups if group["name"] == GROUP)
    if group["last-delivered-id"] != last:
        return f"the group was given entries up to {group['last-delivered-id']}, and the stream ends at {last}"
    if group["pending"]:
        return f"{group['pending']} entries were given and not acknowledged"
    return None


async def read():
    try:
        why = await what_is_left()
        await tell_the_ledger()
    except (RedisError, StopIteration) as error:
        why = repr(error)
    say(end=why is None, **({"why": why} if why else {}))


async def follow_the_ledger():
    while True:
        try:
            await tell_the_ledger()
        except RedisError:
            pass
        await asyncio.sleep(LOOK_EVERY)


async def main():
    while True:
        try:
            await broker.ping()
            await store.ping()
            break
        except RedisError:
            await asyncio.sleep(0.05)
    say(ready=True)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tasks = {loop.create_task(follow_the_ledger())}
    async for line in lines:
        asked = json.loads(line)
        if "poison" in asked:
            say(fail=asked["publish"], why="a stream takes any entry")
        elif "publish" in asked:
            tasks.add(loop.create_task(publish(asked["publish"])))
        elif "read" in asked:
            tasks.add(loop.create_task(read()))


asyncio.run(main())
