/**
 * Loaded before a program, by `node --import`: its wall clock runs as far behind as CLOCK_BEHIND_MS says. What it then makes
 * was made long ago, as far as everyone else can tell, so that its deadlines are due soon.
 */
const behindMs = Number(process.env["CLOCK_BEHIND_MS"]);
const now = Date.now;
Date.now = () => now() - behindMs;
