import { alertSearchText } from "../../../actors/alert/projection.ts";
import type { Known as KnownAlert } from "../../../actors/alert/state.ts";
import { incidentSearchText } from "../../../actors/incident/projection.ts";
import type { Known as KnownIncident } from "../../../actors/incident/state.ts";
import {
  type Archive,
  type Archived,
  type ArchivedIncidentsQuery,
  type ArchivedQuery,
  type ArchivedRow,
  ArchiveUnavailable,
} from "../../../runtime/archive.ts";
import type { Row } from "../../../runtime/board.ts";
import { readDepartedUntil } from "../../../runtime/departed-until.ts";
import { mergedPage } from "../../../runtime/merged-page.ts";
import type { Region } from "../../../runtime/places/region.ts";
import { containsAll, searchWords } from "../../../runtime/search-text.ts";
import { ProblemError } from "../problem.ts";
import type { Call, Services } from "./call.ts";

type PastOptions = Pick<ArchivedIncidentsQuery, "departedOnly" | "boxes">;

/** A kind that lists reach back for into the archive. */
export interface PastKind {
  readonly kind: string;
  readonly searchText: (state: unknown) => string;
  readonly archived: (archive: Archive, query: ArchivedQuery, options: PastOptions) => Promise<Archived>;
  /** Whether any of it may have left the journal. */
  readonly departs: boolean;
}

export const pastIncidents: PastKind = {
  kind: "incident",
  searchText: (state) => incidentSearchText(state as KnownIncident),
  archived: (archive, query, options) => archive.incidents({ ...query, ...options }),
  departs: true,
};

export const pastAlerts: PastKind = {
  kind: "alert",
  searchText: (state) => alertSearchText(state as KnownAlert),
  archived: (archive, query) => archive.alerts(query),
  departs: false,
};

export const pastPages: PastKind = {
  kind: "page",
  searchText: () => "",
  archived: (archive, query) => archive.departedPages(query),
  departs: true,
};

export const pastChannels: PastKind = {
  kind: "channel",
  searchText: () => "",
  archived: (archive, query) => archive.channels(query),
  departs: true,
};

/** Without the archive's index, this many of the newest are looked through: what a gateway can do without being held up. */
const SCAN_MAX = 20_000;

interface Listed {
  readonly items: readonly object[];
  readonly next: string | null;
  readonly complete: boolean;
}

export interface ListWanted {
  readonly of: PastKind;
  readonly filters: object;
  readonly q: string | undefined;
  readonly limit: number;
  readonly before: string | undefined;
  readonly visible: (row: Row) => boolean;
  /** Where it is shown to each of its readers as it is to them. */
  readonly seenBy?: string;
  /** Only what is in there; not together with words. */
  readonly region?: Region;
}

type Shown = object & { readonly id: string };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id that a page begins after, in a cursor of these lists. */
export function idIn(cursor: string | undefined): string | undefined {
  if (cursor === undefined || UUID.test(cursor)) return cursor;
  throw new ProblemError("invalid_query", "cursor: not one of ours");
}

/** Has the archive anything that the board has not? Noted before anything leaves, so that it is known without the archive. */
export async function departed({ archive, ports }: Services): Promise<boolean> {
  return archive !== undefined && (await readDepartedUntil(ports.config)) > 0;
}

/** Newest first, from board and archive together; a list that needs no archive never waits for it. */
export async function listWithPast(services: Services, call: Call, wanted: ListWanted): Promise<Listed> {
  const { q } = wanted;
  if (q !== undefined) return search(services, call, wanted, searchWords(q));
  if (!wanted.of.departs || !(await departed(services)))
    return { ...(await fromBoard(services, call, wanted)), complete: true };
  const outside = new Set<string>();
  try {
    const { items, next } = await mergedPage<Shown>({
      limit: wanted.limit,
      before: wanted.before,
      memory: (before, limit) => allFromBoard(services, call, { ...wanted, before, limit }),
      archive: async (before, limit) => {
        const { rows } = await archived(services, call, wanted, [], true, before, limit);
        for (const row of rows) if (!isInside(services, wanted, row)) outside.add(row.id);
        return rows.map((row) => presentPast(services, wanted.of, row, wanted.seenBy));
      },
      now: (id) => onBoard(services, wanted, id, wanted.visible) ?? (outside.has(id) ? "hidden" : undefined),
    });
    return { items, next, complete: true };
  } catch (error) {
    if (!(error instanceof ArchiveUnavailable)) throw error;
    return { ...(await fromBoard(services, call, wanted)), complete: false };
  }
}

function fromBoard({ board }: Services, { principal }: Call, wanted: ListWanted) {
  const { of, filters, limit, before, region, seenBy } = wanted;
  return board.list({
    ...(seenBy === undefined ? {} : { seenBy }),
    ...(region === undefined ? {} : { region }),
    kind: of.kind,
    agencies: principal.agencies,
    filters: { ...filters },
    limit,
    ...(before === undefined ? {} : { after: before }),
  });
}

/** As many as are wanted, where there are as many: a page of the board may end before it is full. */
async function allFromBoard(services: Services, call: Call, wanted: ListWanted): Promise<Shown[]> {
  const all: Shown[] = [];
  for (let before = wanted.before; ; ) {
    const { items, next } = await fromBoard(services, call, { ...wanted, before, limit: wanted.limit - all.length });
    all.push(...(items as Shown[]));
    if (next === null || all.length >= wanted.limit) return all;
    before = next;
  }
}

async function search(services: Services, call: Call, wanted: ListWanted, words: readonly string[]): Promise<Listed> {
  try {
    // Asked first how far it is, so that the board looks through what came since.
    const { upTo } = await archived(services, call, wanted, words, false, wanted.before, 1);
    const fits = (row: Row) => wanted.visible(row) && found(wanted.of, row, words);
    const { items, next } = await mergedPage<Shown>({
      limit: wanted.limit,
      before: wanted.before,
      memory: (before, limit) => newerThan(services, call, wanted, upTo, fits, before, limit),
      archive: async (before, limit) => {
        const { rows } = await archived(services, call, wanted, words, false, before, limit);
        return rows.map((row) => presentPast(services, wanted.of, row));
      },
      now: (id) => onBoard(services, wanted, id, fits),
    });
    return { items, next, complete: true };
  } catch (error) {
    if (!(error instanceof ArchiveUnavailable)) throw error;
    return scan(services, call, wanted, words);
  }
}

/** What is in memory, as far as it can be looked through without an index. */
function scan(services: Services, { principal }: Call, wanted: ListWanted, words: readonly string[]): Listed {
  const { limit, before, visible } = wanted;
  const items: object[] = [];
  let looked = 0;
  let last: string | null = null;
  for (const row of services.board.rowsOf(wanted.of.kind, principal.agencies, { ...wanted.filters })) {
    if (before !== undefined && row.id >= before) continue;
    if (looked === SCAN_MAX || items.length === limit) return { items, next: last, complete: false };
    looked += 1;
    last = row.id;
    if (visible(row) && found(wanted.of, row, words)) items.push(services.board.present(wanted.of.kind, row));
  }
  return { items, next: null, complete: false };
}

function found({ searchText }: PastKind, { state }: Row, words: readonly string[]): boolean {
  return words.length === 0 || containsAll(searchText(state), words);
}

function onBoard(
  services: Services,
  { of, seenBy }: Pick<ListWanted, "of" | "seenBy">,
  id: string,
  fits: (row: Row) => boolean,
): Shown | "hidden" | undefined {
  const { board } = services;
  const row = board.get({ kind: of.kind, id });
  if (row === undefined) return;
  if (!fits(row)) return "hidden";
  return toReader(services, of, row.state, board.present(of.kind, row) as Shown, seenBy);
}

/** What has changed since the archive's last entry. */
function newerThan(
  { board }: Services,
  { principal }: Call,
  { of: { kind }, filters }: ListWanted,
  sequence: number,
  fits: (row: Row) => boolean,
  before: string | undefined,
  limit: number,
): Shown[] {
  const items: Shown[] = [];
  for (const row of board.rowsOf(kind, principal.agencies, { ...filters })) {
    if (row.sequence <= sequence || (before !== undefined && row.id >= before) || !fits(row)) continue;
    if (items.push(board.present(kind, row) as Shown) === limit) break;
  }
  return items;
}

function archived(
  { archive }: Services,
  { principal }: Call,
  { of, filters, region }: ListWanted,
  words: readonly string[],
  departedOnly: boolean,
  before: string | undefined,
  limit: number,
) {
  if (archive === undefined) throw new ArchiveUnavailable("this server runs without an archive");
  return of.archived(
    archive,
    { agencies: principal.agencies, filters: { ...filters }, words, before, limit },
    { departedOnly, ...(region === undefined ? {} : { boxes: region.bounds }) },
  );
}

/** The archive looks by boxes: what is really inside is told by the same rule as in memory. */
function isInside({ views }: Services, { of, region }: ListWanted, { state }: ArchivedRow): boolean {
  if (region === undefined) return true;
  const place = views.get(of.kind)?.place?.(state, undefined);
  return place !== undefined && region.contains(place);
}

/** As the API shows it: the same view, on the state that was kept. */
export function presentPast(
  services: Services,
  of: PastKind,
  { id, state, version }: ArchivedRow,
  seenBy?: string,
): Shown {
  const shown = services.views.get(of.kind)!.present(id, state, version) as Shown;
  return toReader(services, of, state, shown, seenBy);
}

function toReader({ views }: Services, { kind }: PastKind, state: unknown, shown: Shown, seenBy?: string): Shown {
  return seenBy === undefined ? shown : ((views.get(kind)?.seenBy?.(seenBy, state, shown) as Shown) ?? shown);
}
