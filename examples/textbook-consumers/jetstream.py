"""A member of the durable pull consumer `billing` of a JetStream stream: takes orders, has each booked, and acknowledges it.

python3 jetstream.py VERSION, which is one of billing.py. As consumer.py, with NATS in place of the Redis stream.
"""

import asyncio
import os
import sys

import nats
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NothingNew
from nats.js.api import ConsumerConfig
from redis.exceptions import RedisError

import billing

# In seconds. What nobody acknowledged for this long is given to whoever asks next. In production this is half a minute or so;
# what is wrong is wrong at any number.
ACK_WAIT = 0.5


async def log(error):
    print(error, flush=True)


async def join():
    """Makes the stream and its consumer, if nobody has, as soon as the broker answers."""
    server = f"nats://{os.environ['SQUALL_BROKERS']}:4222"
    config = ConsumerConfig(ack_wait=ACK_WAIT)
    while True:
        try:
            broker = await nats.connect(server, max_reconnect_attempts=-1, error_cb=log)
            jetstream = broker.jetstream()
            await jetstream.add_stream(name="orders", subjects=["orders"])
            return await jetstream.pull_subscribe("orders", durable="billing", config=config)
        except (NatsError, OSError) as error:
            await log(repr(error))
            await asyncio.sleep(0.1)


async def main():
    book = billing.VERSIONS[sys.argv[1]]
    orders = await join()
    print("ready:", sys.argv[1], flush=True)
    while True:
        try:
            for message in await orders.fetch(1, timeout=1):
                order = message.data.decode()
                print("takes order", order, flush=True)
                await book(order)
                await message.ack()
                print("is done with order", order, flush=True)
        except NothingNew:
            pass
        except (NatsError, RedisError) as error:
            print(repr(error), flush=True)
            await asyncio.sleep(0.1)


asyncio.run(main())
