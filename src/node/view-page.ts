// A page of rows from all partitions, merged in the order of the index: of each a few are read, and more where they run out.
//
// Rows that are behind are left out of what is read, and made by the reader (row-maker.ts). They belong to the part of the
// index that was read with them, and to no other: where a partition is read again, further on, it tells again which are
// behind, and they are made again. One that was behind the first time, and was repaired since, stands in the index then.

import { compareTexts, isIn, type Span } from "../core/view-order.ts";
import type { FindRows, FoundRow, FoundRows } from "../ports/views.ts";

export interface PageRequest {
  readonly field: string;
  readonly span: Span;
  readonly descending: boolean;
  readonly limit: number;
  readonly partitions: number;
}

type Rows = Extract<FoundRows, { kind: "rows" }>;

/** What was read of a partition, and the rows that were behind then, as they are: those that the index has a place for. */
export interface PartRead extends Pick<Rows, "rows" | "more" | "end"> {
  readonly made: readonly FoundRow[];
}

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
  read: (requests: readonly FindRows[]) => Promise<readonly PartRead[]>,
): Promise<{ readonly rows: readonly FoundRow[]; readonly next: string | null }> {
  const { span, limit, partitions } = request;
  const sources = Array.from({ length: partitions }, (_, partition): Source => {
    return { partition, rows: [], at: 0, more: true, span };
  });
  const page: FoundRow[] = [];
  while (page.length < limit) {
    await refillAll(sources, request, limit - page.length, read);
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

/** Until each source has a row, or nothing more: all that was read of one may have been behind, and be elsewhere by now. */
async function refillAll(
  sources: readonly Source[],
  request: PageRequest,
  wanted: number,
  read: (requests: readonly FindRows[]) => Promise<readonly PartRead[]>,
): Promise<void> {
  for (;;) {
    const dry = sources.filter(({ rows, at, more }) => more && at === rows.length);
    if (dry.length === 0) return;
    await refill(dry, request, wanted, read);
  }
}

async function refill(
  dry: readonly Source[],
  { field, descending, partitions }: PageRequest,
  wanted: number,
  read: (requests: readonly FindRows[]) => Promise<readonly PartRead[]>,
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
    const answer = answers[i];
    source.rows = answer === undefined ? [] : mergeMade(answer, source.span, descending);
    source.at = 0;
    source.more = answer?.more === true;
    if (source.more) source.span = spanBehind(source.span, answer?.end ?? "", descending);
  });
}

/** Of the rows that were made, those that come before the end of what was read take their places. */
function mergeMade(
  { rows, more, end, made }: PartRead,
  span: Span,
  descending: boolean,
): readonly FoundRow[] {
  const isRead = (member: string): boolean => {
    if (!more) return true;
    const order = compareTexts(member, end);
    return descending ? order >= 0 : order <= 0;
  };
  const here = made.filter(({ member }) => isIn(span, member) && isRead(member));
  if (here.length === 0) return rows;
  const sign = descending ? -1 : 1;
  return [...rows, ...here].toSorted((a, b) => sign * compareTexts(a.member, b.member));
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
