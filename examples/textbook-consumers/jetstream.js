// A member of the durable pull consumer `billing` of a JetStream stream: takes orders, has each booked, and acknowledges it.
//
// node jetstream.js VERSION, which is one of billing.js. As consumer.js, with NATS in place of the Redis stream.

const { setTimeout: sleep } = require("node:timers/promises");
const { connect, nanos } = require("@nats-io/transport-node");
const { AckPolicy, jetstream, jetstreamManager } = require("@nats-io/jetstream");
const { store, versions } = require("./billing.js");

// In milliseconds. What nobody acknowledged for this long is given to whoever asks next. In production this is half a minute
// or so; what is wrong is wrong at any number.
const ACK_WAIT = 500;

// Makes the stream and its consumer, if nobody has, as soon as the broker answers.
async function join() {
  const servers = `${process.env.SQUALL_BROKERS}:4222`;
  const broker = await connect({ servers, maxReconnectAttempts: -1, waitOnFirstConnect: true });
  for (;;) {
    try {
      const manager = await jetstreamManager(broker);
      await manager.streams.add({ name: "orders", subjects: ["orders"] });
      await manager.consumers.add("orders", {
        durable_name: "billing",
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ACK_WAIT),
      });
      return await jetstream(broker).consumers.get("orders", "billing");
    } catch (error) {
      console.log(error.message);
      await sleep(100);
    }
  }
}

async function main() {
  const book = versions[process.argv[2]];
  const [orders] = await Promise.all([join(), store.connect()]);
  console.log("ready:", process.argv[2]);
  for (;;) {
    try {
      const message = await orders.next({ expires: 1000 });
      if (message === null) continue;
      const order = message.string();
      console.log("takes order", order);
      await book(order);
      message.ack();
      console.log("is done with order", order);
    } catch (error) {
      console.log(error.message);
      await sleep(100);
    }
  }
}

main();
