import { expect } from "vitest";
import { projections, registry } from "../../actors/registry.ts";
import { applyEnvelope, blankImage, type Image } from "../../runtime/image.ts";
import type { JournalEntry } from "../../runtime/ports/index.ts";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import type { IntakeRecord } from "../../schema/alert.ts";
import { parseEnvelope } from "../../schema/envelope.ts";
import { reportsIn } from "../../schema/intake.ts";
import { addressOfEvents } from "../../schema/subjects.ts";
import { unpackRecords } from "../../schema/telemetry.ts";
import type { TestDatabase } from "./database.ts";
import type { TestServer } from "./server.ts";

/** All that the streams hold is archived, exactly. What happens unasked meanwhile, as deadlines do, begins the look anew. */
export async function expectAllArchived(server: TestServer, database: TestDatabase): Promise<void> {
  const { journal, sources } = server.node.ports;
  for (;;) {
    await server.archived();
    const entries = await journal.read("evt.>", 0);
    try {
      await expectArchived(database, entries);
      await expectPositionsArchived(database, sources.locations);
      return await expectReportsArchived(database, await messagesOf(sources.alerts));
    } catch (error) {
      if ((await journal.lastSequence()) === entries.at(-1)?.sequence) throw error;
    }
  }
}

/** The archive holds exactly what a fold of the journal says: every envelope once, byte for byte, and every actor as it is. */
export async function expectArchived(database: TestDatabase, journal: readonly JournalEntry[]): Promise<void> {
  const log = await database.rows<{ sequence: string; envelope: string }>(
    "select sequence, envelope from audit_log order by sequence",
  );
  expect(log.length).toBe(journal.length);
  expect(log.map(({ sequence, envelope }) => [Number(sequence), envelope])).toEqual(
    journal.map(({ sequence, payload }) => [sequence, payload]),
  );
  const images = foldOf(journal);
  let assignments = 0;
  for (const [table, kind] of [
    ["incidents", "incident"],
    ["resources", "resource"],
    ["alerts", "alert"],
    ["channels", "channel"],
    ["pages", "page"],
  ] as const) {
    const rows = await database.rows<{ id: string; version: number; sequence: string; state: string }>(
      `select id, version, sequence, state from ${table}`,
    );
    const expected = [...images].filter(([key]) => key.startsWith(`${kind}.`));
    expect(rows.length).toBe(expected.length);
    for (const row of rows) {
      const image = images.get(`${kind}.${row.id}`);
      expect([row.id, row.version, Number(row.sequence)]).toEqual([row.id, image?.version, image?.sequence]);
      expect(JSON.parse(row.state)).toEqual(JSON.parse(JSON.stringify(image?.state)));
    }
  }
  for (const [key, image] of images) {
    if (key.startsWith("incident.")) assignments += (image.state as { assignments: unknown[] }).assignments.length;
  }
  const [counts] = await database.rows<Record<"assignments" | "timeline" | "statuses" | "alerts", string>>(
    `select (select count(*) from assignments) as assignments, (select count(*) from timeline) as timeline,
            (select count(*) from resource_statuses) as statuses, (select count(*) from alert_log) as alerts`,
  );
  const envelopes = journal.map(({ payload }) => parseEnvelope(payload));
  const events = envelopes.flatMap((envelope) => envelope.events);
  expect(Number(counts?.assignments)).toBe(assignments);
  expect(Number(counts?.timeline)).toBe(events.length);
  const statusEvents = ["resource.created", "resource.status_changed", "resource.retired"];
  expect(Number(counts?.statuses)).toBe(events.filter(({ type }) => statusEvents.includes(type)).length);
  await expectChannelsArchived(database, images, events);
  const alertEvents = envelopes.filter(({ kind }) => kind === "alert").flatMap((envelope) => envelope.events);
  expect(Number(counts?.alerts)).toBe(alertEvents.length);
}

/** Every channel as it is, but for where its stretches are in the journal, and the blind index of every text. */
async function expectChannelsArchived(
  database: TestDatabase,
  images: ReadonlyMap<string, Image>,
  events: readonly { readonly type: string }[],
): Promise<void> {
  const withoutPages = (state: unknown) => ({ ...(JSON.parse(JSON.stringify(state)) as object), pages: undefined });
  const rows = await database.rows<{ id: string; version: number; sequence: string; state: string }>(
    "select id, version, sequence, state from channels order by id",
  );
  expect(
    rows.map(({ id, version, sequence, state }) => [id, version, Number(sequence), withoutPages(JSON.parse(state))]),
  ).toEqual(
    [...images]
      .filter(([key]) => key.startsWith("channel."))
      .map(([key, { version, sequence, state }]) => [
        key.slice("channel.".length),
        version,
        sequence,
        withoutPages(state),
      ])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
  const [words] = await database.rows<{ texts: number }>("select count(*)::integer as texts from message_words");
  expect(words?.texts).toBe(events.filter(({ type }) => ["message.sent", "message.edited"].includes(type)).length);
}

function foldOf(journal: readonly JournalEntry[]): ReadonlyMap<string, Image> {
  const images = new Map<string, Image>();
  for (const { sequence, subject, payload } of journal) {
    const { kind, id } = addressOfEvents(subject)!;
    if (!projections.has(kind)) continue;
    const definition = registry.get(kind)!;
    const before = images.get(`${kind}.${id}`) ?? blankImage(definition);
    images.set(`${kind}.${id}`, applyEnvelope(definition, before, parseEnvelope(payload), sequence, payload));
  }
  return images;
}

/** Every fix of every record, once. */
export async function expectPositionsArchived(database: TestDatabase, source: StreamSource): Promise<void> {
  const messages = await messagesOf(source);
  const origin = Date.parse((await source.state()).epoch);
  const rows = await database.rows<Record<string, unknown>>(
    `select resource_id, agency_id, latitude, longitude, refused, sequence::double precision, ordinal, at
     from positions order by sequence, ordinal`,
  );
  const records = messages.flatMap(({ sequence, subject, payload }) => [
    ...unpackRecords(subject, payload, origin + sequence),
  ]);
  const expected = records.flatMap(({ of: { agency, id }, sequence, payload }) => {
    const { fixes } = JSON.parse(payload) as {
      fixes: { lat: number; lon: number; at: string; refused?: string }[];
    };
    return fixes.map((fix, ordinal) => ({
      resource_id: id,
      agency_id: agency,
      latitude: fix.lat,
      longitude: fix.lon,
      refused: fix.refused ?? null,
      sequence,
      ordinal,
      at: new Date(fix.at),
    }));
  });
  expect(rows).toEqual(expected);
}

/** Every report to the alert engine, once, as it came. @param isTaken false of those that the archive could not take */
export async function expectReportsArchived(
  database: TestDatabase,
  messages: readonly StreamEntry[],
  isTaken: (record: IntakeRecord | undefined) => boolean = () => true,
): Promise<void> {
  const rows = await database.rows<Record<string, unknown>>(
    `select sequence::double precision, lane, at, agency_id, source, sent_by, action, dedup_key, alert_id, content, raw
     from alert_reports order by sequence`,
  );
  const reports = messages.flatMap((message) =>
    reportsIn(message.sequence, message.payload)
      .filter(({ record }) => isTaken(record))
      .map((report) => ({ ...message, ...report, record: report.record! })),
  );
  const expected = reports.map(({ place, subject, record, keptMs }) => {
    return {
      sequence: place,
      lane: subject.startsWith("alert.urgent.") ? "urgent" : "normal",
      at: new Date(keptMs),
      agency_id: record.agencyId,
      source: record.source.name,
      sent_by: record.by,
      action: record.action,
      dedup_key: record.dedupKey,
      alert_id: record.id,
      content: record.content === undefined ? null : JSON.stringify(record.content),
      raw: record.raw ?? null,
    };
  });
  expect(rows).toEqual(expected);
}

/** All that a stream holds, whatever its messages are. */
export async function messagesOf(source: StreamSource): Promise<readonly StreamEntry[]> {
  const { last } = await source.state();
  const reading = source.read(0);
  const messages: StreamEntry[] = [];
  while (messages.length === 0 ? last > 0 : messages.at(-1)!.sequence < last)
    messages.push(...(await reading.next(1_000)));
  reading.stop();
  return messages;
}
