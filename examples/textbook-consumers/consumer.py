"""A member of the consumer group `billing` of a Redis stream: takes orders, has each booked, and acknowledges it.

python3 consumer.py VERSION, which is one of billing.py.
"""

import asyncio
import os
import sys

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

import billing

STREAM, GROUP, MEMBER = "orders", "billing", os.environ["SQUALL_NODE"]
# An entry that nobody acknowledged for this long is taken over from its member. In production this is a minute or so; what is
# wrong is wrong at any number.
CLAIM_AFTER_MS = 500

broker = Redis(host=os.environ["SQUALL_BROKERS"], decode_responses=True, protocol=2)


async def join():
    """Makes the group, if nobody has, as soon as the broker answers."""
    while True:
        try:
            return await broker.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except RedisError as error:
            if isinstance(error, ResponseError) and str(error).startswith("BUSYGROUP"):
                return
            print(error, flush=True)
            await asyncio.sleep(0.1)


async def next_entries():
    """What another member left lying, else what is new."""
    _, claimed, _ = await broker.xautoclaim(STREAM, GROUP, MEMBER, CLAIM_AFTER_MS, count=1)
    if claimed:
        return claimed
    new = await broker.xreadgroup(GROUP, MEMBER, {STREAM: ">"}, count=1, block=100)
    return new[0][1] if new else []


async def main():
    book = billing.VERSIONS[sys.argv[1]]
    await join()
    print("ready:", sys.argv[1], flush=True)
    while True:
        try:
            for entry, fields in await next_entries():
                order = fields["order"]
                print("takes order", order, flush=True)
                await book(order)
                await broker.xack(STREAM, GROUP, entry)
                print("is done with order", order, flush=True)
        except RedisError as error:
            print(error, flush=True)
            await asyncio.sleep(0.1)


asyncio.run(main())
