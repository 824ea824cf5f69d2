// echo: answers with what it was sent. JavaScript, to show that the language does not matter: node examples/maelstrom/echo.js
const lines = require("readline").createInterface({ input: process.stdin });
let id = null;

lines.on("line", (line) => {
  const { src, body } = JSON.parse(line);
  const reply = (answer) => {
    const message = { src: id, dest: src, body: { ...answer, in_reply_to: body.msg_id } };
    process.stdout.write(JSON.stringify(message) + "\n");
  };
  if (body.type === "init") {
    id = body.node_id;
    reply({ type: "init_ok" });
  } else if (body.type === "echo") {
    reply({ type: "echo_ok", echo: body.echo });
  } else {
    reply({ type: "error", code: 10, text: `${body.type} is not known here` });
  }
});
