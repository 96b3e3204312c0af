// A member as text. Nodes of other versions read what this one writes, so a field is added, never renamed.

import type { Member } from "../core/member.ts";

export function writeMember(member: Member): string {
  const { id, address, http, since, protocol, code, types, effects, views, partitions, leaving } = member;
  return JSON.stringify({
    id,
    address,
    http,
    since,
    protocol,
    code,
    types,
    effects,
    partitions,
    leaving,
    views,
  });
}

/** Undefined where this version cannot read it. What another one added is left out. */
export function readMember(text: string): Member | undefined {
  const { id, address, http, since, protocol, code, types, effects, views, partitions, leaving } =
    fieldsOf(text);
  if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,64}$/.test(id)) return undefined;
  if (typeof address !== "string" || typeof code !== "string") return undefined;
  if (http !== null && typeof http !== "string") return undefined;
  if (typeof since !== "number" || !isCount(protocol) || typeof leaving !== "boolean") return undefined;
  if (!isArrayOf(types, isText) || !isArrayOf(effects, isText)) return undefined;
  if (!isArrayOf(partitions, isCount)) return undefined;
  const member = { id, address, http, since, protocol, code, types, effects, partitions, leaving };
  if (views === undefined) return member; // of a version that had none, or of code that has none
  return isArrayOf(views, isText) ? { ...member, views } : undefined;
}

function fieldsOf(text: string): Readonly<Partial<Record<keyof Member, unknown>>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {}; // garbage has no fields, and so is no member
  }
}

function isArrayOf<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
