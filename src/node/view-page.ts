// A page of rows from all partitions, merged in the order of the index: of each a few are read, and more where they run out.

import { compareTexts, type Span } from "../core/view-order.ts";
import type { FindRows, FoundRow, FoundRows } from "../ports/views.ts";

export interface PageRequest {
  readonly field: string;
  readonly span: Span;
  readonly descending: boolean;
  readonly limit: number;
  readonly partitions: number;
}

type Rows = Extract<FoundRows, { kind: "rows" }>;

/** What was read of a partition and is not in the page yet. */
interface Source {
  readonly partition: number;
  rows: readonly FoundRow[];
  at: number;
  more: boolean;
  span: Span;
}

/**
 * @param read answers in the order of the requests
 * @returns the rows, and the member of the last one where there may be more
 */
export async function readPage(
  request: PageRequest,
  read: (requests: readonly FindRows[]) => Promise<readonly Rows[]>,
): Promise<{ readonly rows: readonly FoundRow[]; readonly next: string | null }> {
  const { span, limit, partitions } = request;
  const sources = Array.from({ length: partitions }, (_, partition): Source => {
    return { partition, rows: [], at: 0, more: true, span };
  });
  const page: FoundRow[] = [];
  while (page.length < limit) {
    const dry = sources.filter(({ rows, at, more }) => more && at === rows.length);
    if (dry.length > 0) await refill(dry, request, limit - page.length, read);
    const first = firstOf(sources, request.descending);
    if (first === undefined) return { rows: page, next: null };
    const row = first.rows[first.at];
    if (row !== undefined) page.push(row);
    first.at += 1;
  }
  const isThereMore = sources.some(({ rows, at, more }) => more || at < rows.length);
  return { rows: page, next: isThereMore ? (page.at(-1)?.member ?? null) : null };
}

/** What comes behind a member, or before it, is all that is left. */
export function spanBehind({ from, to }: Span, member: string, descending: boolean): Span {
  return descending ? { from, to: member } : { from: `${member}\0`, to };
}

async function refill(
  dry: readonly Source[],
  { field, descending, partitions }: PageRequest,
  wanted: number,
  read: (requests: readonly FindRows[]) => Promise<readonly Rows[]>,
): Promise<void> {
  const limit = Math.min(wanted, Math.max(LEAST, Math.ceil((2 * wanted) / partitions)));
  const requests = dry.map(({ partition, span }) => ({
    partition,
    span: { field, ...span },
    descending,
    limit,
  }));
  const answers = await read(requests);
  dry.forEach((source, i) => {
    const { rows = [], more = false } = answers[i] ?? {};
    source.rows = rows;
    source.at = 0;
    source.more = more;
    const last = rows.at(-1);
    if (last !== undefined) source.span = spanBehind(source.span, last.member, descending);
  });
}

/** Of a partition at least, so that few pages need a second look. */
const LEAST = 8;

function firstOf(sources: readonly Source[], descending: boolean): Source | undefined {
  let first: Source | undefined;
  for (const source of sources) {
    const row = source.rows[source.at];
    if (row === undefined) continue;
    const best = first?.rows[first.at];
    if (best === undefined) first = source;
    else if (compareTexts(row.member, best.member) < 0 !== descending) first = source;
  }
  return first;
}
