// The text of a log entry, read. What writes it is commit.ts, and commit.lua.

import type { LogEntry, LogLine } from "../core/log-entry.ts";
import type { StreamEntry } from "./record-format.ts";

const HEAD = /^1 ([A-Za-z0-9_-]{1,64})$/;
const LINE = /^([0-9a-f-]{36}) ([A-Za-z0-9_.-]{1,64}) ([1-9]\d{0,14}) ([1-9]\d{0,6})$/;

/** Undefined if it is no entry of ours. */
export function parseLogEntry([entry, fields]: StreamEntry): LogEntry | undefined {
  const text = fields[1];
  if (fields.length !== 2 || text === undefined) return undefined;
  const [head = "", ...rest] = text.split("\n");
  const callId = HEAD.exec(head)?.[1];
  if (callId === undefined || rest.length === 0) return undefined;
  const lines: LogLine[] = [];
  for (const line of rest) {
    const parts = LINE.exec(line);
    if (parts === null) return undefined;
    const [, id = "", type = "", first = "", count = ""] = parts;
    lines.push({ id, type, first: Number(first), count: Number(count) });
  }
  return { entry, callId, lines };
}
