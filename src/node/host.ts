// Hosts as they stand in an address.

/** Whether it is every address of the machine, at which nobody can be reached. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** As it stands before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
