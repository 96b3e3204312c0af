// One thing that the doctor looked at.

export interface Check {
  readonly check: string;
  /** `host:port`; null: it is not of one server. */
  readonly server: string | null;
  /** `fail`: promises would be broken, and a node would not start. `warn`: they hold, at a price. */
  readonly status: "ok" | "warn" | "fail";
  readonly found: string;
  /** What to change; null: nothing. */
  readonly change: string | null;
}

export function ok(check: string, server: string | null, found: string): Check {
  return { check, server, status: "ok", found, change: null };
}

export function bad(
  status: "warn" | "fail",
  check: string,
  server: string | null,
  found: string,
  change: string,
): Check {
  return { check, server, status, found, change };
}
