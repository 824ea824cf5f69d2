// Books an order in the ledger, once. One function a version; each is given an order that may come again.
//
// The id store and the ledger are in one Redis: `processed:ORDER` says that an order was processed, and `ledger` is a hash
// with an entry for each booking. That hash is where the effect lands: two bookings of one order are money taken twice.

const { randomUUID } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");
const { createClient } = require("redis");

const store = createClient({ url: `redis://${process.env.SQUALL_STORES}` });
store.on("error", (error) => console.log(error.message));

const DAY = 24 * 60 * 60;

// What is done before the booking; it takes as long as a call of another service.
const lookUpThePrice = (order) => sleep(60);

// What is done after it.
const sendTheReceipt = (order) => sleep(100);

// As articles show it: was it processed? If not, handle it, and mark it as processed.
async function textbook(order) {
  if (await store.exists(`processed:${order}`)) return;
  await lookUpThePrice(order);
  await store.hSet("ledger", randomUUID(), order);
  await sendTheReceipt(order);
  await store.set(`processed:${order}`, "1", { EX: DAY });
}

// No mend: who dies after the mark never books.
async function markFirst(order) {
  if (!(await store.set(`processed:${order}`, "1", { NX: true, EX: DAY }))) return;
  await lookUpThePrice(order);
  await store.hSet("ledger", randomUUID(), order);
  await sendTheReceipt(order);
}

// Half a mend: effect and mark are one transaction, and the check stands outside of it.
async function markWithEffect(order) {
  if (await store.exists(`processed:${order}`)) return;
  await lookUpThePrice(order);
  await store
    .multi()
    .hSet("ledger", randomUUID(), order)
    .set(`processed:${order}`, "1", { EX: DAY })
    .exec();
  await sendTheReceipt(order);
}

const BOOK_ONCE = `
  if redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[3]) then
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  end`;

// Mended: check, mark and effect are one transaction.
async function oneTransaction(order) {
  await lookUpThePrice(order);
  await store.eval(BOOK_ONCE, {
    keys: [`processed:${order}`, "ledger"],
    arguments: [randomUUID(), order, String(DAY)],
  });
  await sendTheReceipt(order);
}

// Mended: the booking has the order's own number. To write it again changes nothing, and there is nothing to mark.
async function idempotentEffect(order) {
  await lookUpThePrice(order);
  await store.hSet("ledger", order, order);
  await sendTheReceipt(order);
}

const versions = {
  textbook,
  "mark-first": markFirst,
  "mark-with-effect": markWithEffect,
  "one-transaction": oneTransaction,
  "idempotent-effect": idempotentEffect,
};

module.exports = { store, versions };
