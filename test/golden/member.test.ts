// What a node tells of itself is read by nodes of other versions: this form stays.

import { expect, test } from "vitest";
import type { Member } from "../../src/core/member.ts";
import { readMember, writeMember } from "../../src/redis/member-format.ts";

const member: Member = {
  id: "0190f3a0-1c2d",
  address: "10.0.0.12:7946",
  http: "10.0.0.12:8080",
  since: 1_764_000_000_123,
  protocol: 1,
  code: "0.3.0",
  types: ["account"],
  effects: ["mailer"],
  partitions: [1, 5],
  leaving: false,
};

const golden =
  '{"id":"0190f3a0-1c2d","address":"10.0.0.12:7946","http":"10.0.0.12:8080","since":1764000000123,"protocol":1,' +
  '"code":"0.3.0","types":["account"],"effects":["mailer"],"partitions":[1,5],"leaving":false}';

test("golden: a member", () => {
  expect(writeMember(member)).toBe(golden);
  expect(readMember(golden)).toEqual(member);
  expect(readMember(golden.replace('"10.0.0.12:8080"', "null"))).toEqual({ ...member, http: null });
});

test("a member that lacks any one field, or has another kind of thing there, is not read", () => {
  for (const field of Object.keys(member)) {
    expect(readMember(JSON.stringify({ ...member, [field]: undefined })), field).toBeUndefined();
    expect(readMember(JSON.stringify({ ...member, [field]: { other: true } })), field).toBeUndefined();
    expect(readMember(JSON.stringify({ ...member, [field]: [{ other: true }] })), field).toBeUndefined();
  }
});

test("what this version does not know is neither written nor read", () => {
  const more = { ...member, zone: "eu" };
  expect(writeMember(more)).toBe(golden);
  expect(readMember(JSON.stringify(more))).toEqual(member);
});

test("golden: a member whose code has views; one that has none, or knows of none, says nothing of them", () => {
  const views = ["account:open=1.owner"];
  const text = golden.replace(/}$/, ',"views":["account:open=1.owner"]}');
  expect(writeMember({ ...member, views })).toBe(text);
  expect(readMember(text)).toEqual({ ...member, views });
  expect(readMember(text.replace('["account:open=1.owner"]', "7"))).toBeUndefined();
});
