// A member of the consumer group `billing` of a Redis stream: takes orders, has each booked, and acknowledges it.
//
// node consumer.js VERSION, which is one of billing.js.

const { setTimeout: sleep } = require("node:timers/promises");
const { createClient } = require("redis");
const { store, versions } = require("./billing.js");

const [STREAM, GROUP, MEMBER] = ["orders", "billing", process.env.SQUALL_NODE];
// An entry that nobody acknowledged for this long is taken over from its member. In production this is a minute or so; what
// is wrong is wrong at any number.
const CLAIM_AFTER_MS = 500;

const broker = createClient({ url: `redis://${process.env.SQUALL_BROKERS}` });
broker.on("error", (error) => console.log(error.message));

// Makes the group, if nobody has, as soon as the broker answers.
async function join() {
  for (;;) {
    try {
      return await broker.xGroupCreate(STREAM, GROUP, "0", { MKSTREAM: true });
    } catch (error) {
      if (error.message.startsWith("BUSYGROUP")) return;
      console.log(error.message);
      await sleep(100);
    }
  }
}

// What another member left lying, else what is new.
async function nextEntries() {
  const claimed = await broker.xAutoClaim(STREAM, GROUP, MEMBER, CLAIM_AFTER_MS, "0-0", { COUNT: 1 });
  if (claimed.messages.length > 0) return claimed.messages;
  const streams = [{ key: STREAM, id: ">" }];
  const fresh = await broker.xReadGroup(GROUP, MEMBER, streams, { COUNT: 1, BLOCK: 100 });
  return fresh ? fresh[0].messages : [];
}

async function main() {
  const book = versions[process.argv[2]];
  await Promise.all([broker.connect(), store.connect()]);
  await join();
  console.log("ready:", process.argv[2]);
  for (;;) {
    try {
      for (const { id, message } of await nextEntries()) {
        console.log("takes order", message.order);
        await book(message.order);
        await broker.xAck(STREAM, GROUP, id);
        console.log("is done with order", message.order);
      }
    } catch (error) {
      console.log(error.message);
      await sleep(100);
    }
  }
}

main();
