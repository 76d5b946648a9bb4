import { existsSync } from "node:fs";

/** Where the published examples lie, beside this project; they are no part of it. Undefined where they are not at hand. */
export const sharedData = ["../shared/data", "../../shared/data"].find((folder) => existsSync(folder));
