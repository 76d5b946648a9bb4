import type { BenchCase } from "../case.ts";
import { createIncident as createOne, startDirect } from "../load/direct.ts";
import { alerts } from "./alerts.ts";
import { archive } from "./archive.ts";
import { archiveAway } from "./archive-away.ts";
import { archiveLag } from "./archive-lag.ts";
import { archivePositions } from "./archive-positions.ts";
import { assignments } from "./assignments.ts";
import { classification } from "./classification.ts";
import { commandCase } from "./command.ts";
import { createIncident } from "./create-incident.ts";
import { fanOut } from "./fan-out.ts";
import { fixes } from "./fixes.ts";
import { messages } from "./messages.ts";
import { mixedLifecycle } from "./mixed-lifecycle.ts";
import { nearby, nearbyOfMany } from "./nearby.ts";
import { state } from "./state.ts";

const command = commandCase(
  (["replicated", "sync"] as const).map((durability) => ({
    title: `Tocsin, DURABILITY=${durability}`,
    async start({ root, cleanup }) {
      const direct = await startDirect({ root, durability }, cleanup);
      const ask = async (index: number) => void (await createOne(direct, index));
      return { ask, pids: direct.tocsin.pids, stop: () => direct.stop() };
    },
  })),
);

/** All there are, in the order in which they run. */
export const cases: readonly BenchCase[] = [
  createIncident,
  command,
  mixedLifecycle,
  state,
  nearby,
  nearbyOfMany,
  fixes,
  fanOut,
  messages,
  assignments,
  classification,
  alerts,
  archive,
  archiveLag,
  archiveAway,
  archivePositions,
];
