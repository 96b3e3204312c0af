// The entities of cluster/ that live by durable effects do what they say.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type MailConfig, mailer } from "../../cluster/effects/mailer.ts";
import { account } from "../../cluster/entities/account.ts";
import { newId } from "../../src/index.ts";
import { backends, DurableNodes, untilDone } from "../harness/durable-nodes.ts";
import { until } from "../harness/until.ts";

const nodes = new DurableNodes("examples");
const folder = mkdtempSync(join(tmpdir(), "pachyderm-mail-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (backend: "redis" | "memory", config: MailConfig = { mailFile: join(folder, "any") }) =>
  nodes.start(backend, { entities: [account], effects: [mailer], config });

test.each(backends)("%s: a transfer arrives; one that is refused comes back", async (backend) => {
  const node = await start(backend);
  const [a, b, closed] = [account.ref(newId()), account.ref(newId()), account.ref(newId())];
  await node.send(a, { type: "deposit", amount: 100 });
  await node.send(closed, { type: "close" });
  await node.send(a, { type: "transfer", to: b.id, amount: 30 });
  await node.send(a, { type: "transfer", to: closed.id, amount: 50 });
  await expect(node.send(a, { type: "transfer", to: b.id, amount: 300 })).rejects.toMatchObject({
    code: "REJECTED",
  });
  await untilDone(node);
  const balances = await Promise.all([a, b, closed].map(async (one) => (await node.get(one)).state.balance));
  expect(balances).toEqual([70, 30, 0]);
  const { events } = await node.events(a);
  expect(events.map(({ event }) => event.type)).toEqual(["deposited", "sent", "sent", "refunded"]);
});

test("what is to be mailed is mailed, to a file", async () => {
  const mailFile = join(folder, "mail");
  const node = await start("redis", { mailFile });
  const reference = account.ref(newId());
  for (let i = 0; i < 3; i++) await node.send(reference, { type: "close" });
  await untilDone(node);
  const [mail, ...more] = readFileSync(mailFile, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(more).toEqual([]);
  expect(mail).toMatchObject({
    to: "admin@localhost",
    text: expect.stringContaining(reference.id),
    messageId: expect.stringMatching(/^<.*-0@pachyderm>$/),
  });
});

test("and to an SMTP server, once it is there", async () => {
  const heard: string[] = [];
  const server = createServer((socket) => {
    let inData = false;
    socket.write("220 test\r\n");
    socket.on("data", (chunk) => {
      const text = chunk.toString();
      heard.push(text);
      if (inData) {
        if (heard.join("").endsWith("\r\n.\r\n")) {
          inData = false;
          socket.write("250 taken\r\n");
        }
      } else if (text.startsWith("DATA")) {
        inData = true;
        socket.write("354 go on\r\n");
      } else socket.write(text.startsWith("QUIT") ? "221 bye\r\n" : "250 ok\r\n");
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  const node = await start("redis", { smtp: `smtp://127.0.0.1:${port}?ignoreTLS=true` });
  await node.send(account.ref(newId()), { type: "close" });
  await until("it was tried in vain", async () => (await node.effects.counts()).delayed === 1);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await untilDone(node);
  expect(heard.join("")).toContain("Subject: an account was closed");
  server.close();
});
