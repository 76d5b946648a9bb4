import { DatabaseUnreachable } from "../bridges/postgres/connection.ts";
import { ArchiveNotEmpty } from "../bridges/postgres/dump.ts";
import { PortUnavailable } from "../runtime/ports/index.ts";
import { UnknownMasterKey } from "../runtime/vault/master-keys.ts";
import type { Output } from "./replay/output.ts";
import { printable } from "./server/printable.ts";
import { UsageError } from "./usage.ts";

/** What a person can mend, in words for a person at a terminal. */
export class Hindrance extends Error {
  override name = "Hindrance";
}

/** 0 done, 1 not all of it, or with problems; 2 not done. */
export type ExitCode = 0 | 1 | 2;

/** Runs a command. What a person can mend is told in a line, and is the exit code 2; only a defect of ours has a stack. */
export async function telling(command: string, out: Output, run: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError) out.note(`${printable(error.message)}\nTry: npm run ${command} -- --help`);
    else if (error instanceof DatabaseUnreachable) out.note(printable(`${error.message}. ${WHICH_ARCHIVE}`));
    else if (toBeTold.some((one) => error instanceof one) || isOfTheSystem(error))
      out.note(printable((error as Error).message));
    else throw error;
    return 2;
  }
}

const toBeTold = [Hindrance, PortUnavailable, ArchiveNotEmpty, UnknownMasterKey];

const WHICH_ARCHIVE =
  'Start the node with "npm start", or name its archive with DATABASE_URL, or its folder with DATA_DIR';

/** No room, no permission, no such file: it says which. */
const isOfTheSystem = (error: unknown): error is Error => error instanceof Error && "syscall" in error;
