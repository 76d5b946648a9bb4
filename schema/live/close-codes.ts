/** Why a live connection was closed by the server, and what its client does next. */
export const closeCodes = {
  4400: { name: "protocol", title: "Too many frames that are none of the protocol's", next: "mend the client" },
  4401: { name: "unauthenticated", title: "No valid token, or it has expired", next: "come back with a fresh token" },
  4408: { name: "authentication_timeout", title: "No token came in time", next: "authenticate at once" },
  4409: { name: "gap", title: "The server lost its place in the journal", next: "come back with the last position" },
  4413: {
    name: "overflow",
    title: "The client reads too slowly for its topics",
    next: "come back with the last position",
  },
  4429: {
    name: "rate_limited",
    title: "Too many messages, or too many sockets",
    next: "come back later, and ask less",
  },
  1001: { name: "going_away", title: "The server stops", next: "come back with the last position, to any gateway" },
} as const;

export type CloseCode = keyof typeof closeCodes;
