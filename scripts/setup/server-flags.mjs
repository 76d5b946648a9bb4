/**
 * Node's flags for a server whose slowest answers count. Young objects have 16 MB by default, and tens of thousands of small
 * messages a second fill that fifteen times a second; with more room more of them are dead by the time somebody looks. The
 * looking is done by the thread that waits for it: with few cores, helpers are not there sooner.
 */
export const serverFlags = ["--max-semi-space-size=64", "--no-parallel-scavenge"];
