import type { Latency } from "./latency.ts";
import type { Summary } from "./summary.ts";

const number = (value: number) => value.toLocaleString("en-US");
const words = (code: string) => code.replaceAll("_", " ");

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([code, count]) => `${number(count)} ${words(code)}`)
    .join(", ");
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(16)}${text}`;
}

function problems(label: string, of: Summary["refused"]): string[] {
  const total = Object.values(of).reduce((sum, { count }) => sum + count, 0);
  const lines = Object.entries(of).map(([code, { count, example }]) => `    ${number(count)} ${code}, as: ${example}`);
  return total === 0 ? [] : [line(label, number(total)), ...lines];
}

function latency(label: string, of: Latency): string {
  const ms = (value: number) => value.toFixed(1).padStart(9);
  return `    ${label.padEnd(14)}${number(of.count).padStart(9)}${ms(of.p50Ms)}${ms(of.p99Ms)}${ms(of.maxMs)}`;
}

function inputLines({ badRows, repairs, ...summary }: Summary): string[] {
  const lines = [
    `${summary.file} (${summary.layout}): ${number(summary.rows)} rows, ${number(summary.calls)} calls`,
    line("bad rows", badRows.total === 0 ? "0" : `${number(badRows.total)}: ${counts(badRows.byReason)}`),
    ...badRows.first.map(({ lineNumber, reason, detail }) => `    line ${lineNumber}: ${words(reason)}: ${detail}`),
  ];
  const unlisted = badRows.total - badRows.first.length;
  if (unlisted > 0) lines.push(`    and ${number(unlisted)} more`);
  if (Object.keys(repairs).length > 0) lines.push(line("rows mended", counts(repairs)));
  return lines;
}

function outcomeLines(summary: Summary): string[] {
  const { units, moved } = summary;
  const held = units.held === 0 ? "" : `, ${number(units.held)} of them held by incidents of before`;
  const moves = {
    en_route: moved.enRoute,
    on_scene: moved.onScene,
    transporting: moved.transporting,
    available_again: moved.available,
  };
  return [
    line("calls created", number(summary.created)),
    line("units", `${number(units.created)} created, ${number(units.reused)} known already${held}`),
    line("assigned", number(summary.assigned)),
    line("statuses moved", `${number(moved.total)}: ${counts(moves)}`),
    line("resolved", number(summary.resolved)),
    line("closed", number(summary.closed)),
    ...(summary.cancelled > 0 ? [line("cancelled", number(summary.cancelled))] : []),
    ...problems("refused", summary.refused),
    ...problems("server errors", summary.failed),
    ...(Object.keys(summary.skipped).length > 0 ? [line("passed over", counts(summary.skipped))] : []),
  ];
}

function paceLines(summary: Summary): string[] {
  const { overall, byStep } = summary.latency;
  const seconds = (summary.wallMs / 1000).toFixed(1);
  return [
    line(
      "time",
      `${seconds} s, ${number(summary.callsPerSecond)} calls/s, ${number(summary.requestsPerSecond)} requests/s`,
    ),
    ...(summary.retries > 0 ? [line("sent again", number(summary.retries))] : []),
    ...(summary.behindMs > 0
      ? [line("behind", `${number(summary.behindMs)} ms at worst, of the speed asked for`)]
      : []),
    ...(overall ? [line("milliseconds", " requests      p50      p99      max"), latency("all", overall)] : []),
    ...Object.entries(byStep).map(([kind, of]) => latency(words(kind), of)),
  ];
}

/** The summary for a person at a terminal. */
export function summaryText(summary: Summary): string {
  const { planned, finished } = summary.steps;
  const ended = summary.stopped
    ? [`stopped after ${number(finished)} of ${number(planned)} steps: ${summary.stopped}`]
    : [];
  return [...inputLines(summary), ...outcomeLines(summary), ...paceLines(summary), ...ended].join("\n");
}
