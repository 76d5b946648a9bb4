/** Limits of a live connection, each with a reason. */
export const liveLimits = {
  /** A larger frame from a client is refused: the largest legitimate one is a command, and those are small. */
  frameBytes: 65_536,
  /** Frames a second that a client may send, on average and at once. */
  messagesPerSecond: 50,
  messagesAtOnce: 200,
  /** Wrong frames after which a connection is closed: a client that is mended sends none. */
  faultsMax: 10,
  subscriptionsPerSocket: 100,
  /** Of one principal on one gateway; the embedded default's own admin token has no such limit. */
  socketsPerPrincipal: 50,
  /** That somebody types in a channel is told this often at most, and shown for `typingSeconds` unless it is told again. */
  typingEveryMs: 2_000,
  typingSeconds: 6,
  /** Commands of one socket that may wait for their answer. */
  commandsInFlight: 32,
  /** A socket that has not said who it is by then is closed. */
  authenticationMs: 10_000,
  /** Told this long before a token expires. */
  expiryNoticeMs: 60_000,
  /** After this long without anything from a client, pongs included, its socket is given up. Multiples of 4, from 8 on. */
  idleSeconds: 24,
  /** What may wait for a client that reads slowly; more closes it. */
  backlogBytes: 4_194_304,
  /** From here on a client counts as slow: its positions are conflated, what it catches up with waits. */
  slowBytes: 262_144,
  /** Items a frame of a snapshot. */
  snapshotItems: 100,
} as const;
