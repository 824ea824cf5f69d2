"""Books an order in the ledger, once. One function a version; each is given an order that may come again.

The id store and the ledger are in one Redis: `processed:ORDER` says that an order was processed, and `ledger` is a hash with an
entry for each booking. That hash is where the effect lands: two bookings of one order are money taken twice.
"""

import asyncio
import os
import uuid

from redis.asyncio import Redis

store = Redis(host=os.environ["SQUALL_STORES"], decode_responses=True)

DAY = 24 * 60 * 60


async def look_up_the_price(order):
    """What is done before the booking; it takes as long as a call of another service."""
    await asyncio.sleep(0.06)


async def send_the_receipt(order):
    """What is done after it."""
    await asyncio.sleep(0.1)


async def textbook(order):
    """As articles show it: was it processed? If not, handle it, and mark it as processed."""
    if await store.exists(f"processed:{order}"):
        return
    await look_up_the_price(order)
    await store.hset("ledger", str(uuid.uuid4()), order)
    await send_the_receipt(order)
    await store.set(f"processed:{order}", 1, ex=DAY)


async def mark_first(order):
    """No mend: who dies after the mark never books."""
    if not await store.set(f"processed:{order}", 1, nx=True, ex=DAY):
        return
    await look_up_the_price(order)
    await store.hset("ledger", str(uuid.uuid4()), order)
    await send_the_receipt(order)


async def mark_with_effect(order):
    """Half a mend: effect and mark are one transaction, and the check stands outside of it."""
    if await store.exists(f"processed:{order}"):
        return
    await look_up_the_price(order)
    async with store.pipeline(transaction=True) as both:
        both.hset("ledger", str(uuid.uuid4()), order)
        both.set(f"processed:{order}", 1, ex=DAY)
        await both.execute()
    await send_the_receipt(order)


BOOK_ONCE = store.register_script("""
    if redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[3]) then
        redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
    end
""")


async def one_transaction(order):
    """Mended: check, mark and effect are one transaction."""
    await look_up_the_price(order)
    await BOOK_ONCE(keys=[f"processed:{order}", "ledger"], args=[str(uuid.uuid4()), order, DAY])
    await send_the_receipt(order)


async def idempotent_effect(order):
    """Mended: the booking has the order's own number. To write it again changes nothing, and there is nothing to mark."""
    await look_up_the_price(order)
    await store.hset("ledger", order, order)
    await send_the_receipt(order)


VERSIONS = {
    "textbook": textbook,
    "mark-first": mark_first,
    "mark-with-effect": mark_with_effect,
    "one-transaction": one_transaction,
    "idempotent-effect": idempotent_effect,
}
