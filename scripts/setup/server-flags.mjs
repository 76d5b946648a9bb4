/**
 * Node's flags for a server whose slowest answers count. Tens of thousands of small messages a second fill the space of young
 * objects fifteen times a second. They are looked through by the thread that waits for it: with few cores, helpers are not
 * there sooner, and a pause then lasts for as long as the slowest of them. More space makes fewer pauses, but longer ones.
 */
export const serverFlags = ["--no-parallel-scavenge"];
