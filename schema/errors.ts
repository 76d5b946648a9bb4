/**
 * Every way a request can fail, sorted by what the caller does next:
 * - refused: the request is understood and will not be done as things stand; look at the state, decide anew
 * - invalid: the request itself is wrong; mend it
 * - retry:   nothing wrong with the request; send the same again, after a while
 * - fatal:   a defect of ours; report the request id
 *
 * One table maps a code to what every door (HTTP now, others later) answers.
 */
export type NextStep = "refused" | "invalid" | "retry" | "fatal";

interface ErrorKind {
  readonly status: number;
  readonly title: string;
  readonly next: NextStep;
}

export const errorKinds = {
  invalid_body: { status: 422, title: "The body does not fit", next: "invalid" },
  invalid_query: { status: 422, title: "The query does not fit", next: "invalid" },
  malformed_json: { status: 400, title: "The body is not JSON", next: "invalid" },
  transition_not_allowed: { status: 400, title: "This transition is not allowed", next: "refused" },
  bad_request: { status: 400, title: "The request is malformed", next: "invalid" },
  unauthenticated: { status: 401, title: "A valid token is needed", next: "invalid" },
  forbidden: { status: 403, title: "Not allowed for this principal", next: "refused" },
  not_found: { status: 404, title: "Not found", next: "refused" },
  method_not_allowed: { status: 405, title: "The method is not allowed here", next: "invalid" },
  already_exists: { status: 409, title: "It exists already", next: "refused" },
  unit_held: { status: 409, title: "The unit is held by another incident", next: "refused" },
  unit_unavailable: { status: 409, title: "The unit is not available", next: "refused" },
  unit_not_assigned: { status: 409, title: "The unit is not assigned to this incident", next: "refused" },
  already_assigned: { status: 409, title: "The unit is assigned to this incident already", next: "refused" },
  already_attached: { status: 409, title: "It is with another carrier", next: "refused" },
  not_attached: { status: 409, title: "It is not with this carrier", next: "refused" },
  not_carriable: { status: 409, title: "This carrier does not carry that", next: "refused" },
  still_attached: { status: 409, title: "It is with a carrier, or carries something", next: "refused" },
  shift_over: { status: 409, title: "The shift would be over already", next: "refused" },
  retired: { status: 409, title: "The resource is retired", next: "refused" },
  unit_ambiguous: { status: 409, title: "More than one unit is assigned: say which", next: "refused" },
  priority_at_limit: { status: 409, title: "The priority cannot be raised further", next: "refused" },
  units_assigned: { status: 409, title: "Units are still assigned", next: "refused" },
  not_mergeable: { status: 409, title: "These incidents cannot be merged", next: "refused" },
  not_linkable: { status: 409, title: "These incidents cannot be linked", next: "refused" },
  not_shareable: { status: 409, title: "It cannot be shared with this agency", next: "refused" },
  nothing_recommended: { status: 409, title: "There is no unit to recommend", next: "refused" },
  alarm_at_limit: { status: 409, title: "The alarm cannot be raised so", next: "refused" },
  alert_over: { status: 409, title: "The alert is over", next: "refused" },
  incident_final: { status: 409, title: "The incident is closed or cancelled", next: "refused" },
  limit_reached: { status: 409, title: "A limit of this entity is reached", next: "refused" },
  channel_closed: { status: 409, title: "The channel is closed", next: "refused" },
  membership_fixed: { status: 409, title: "This channel is what it is", next: "refused" },
  message_deleted: { status: 409, title: "The message was deleted", next: "refused" },
  not_urgent: { status: 409, title: "This message asks for no acknowledgement", next: "refused" },
  device_unreachable: { status: 409, title: "Such a device cannot be reached from here", next: "refused" },
  version_mismatch: { status: 412, title: "It has changed since you read it", next: "refused" },
  body_too_large: { status: 413, title: "The body is too large", next: "invalid" },
  unsupported_media_type: { status: 415, title: "The content type is not supported", next: "invalid" },
  idempotency_key_reused: { status: 422, title: "This Idempotency-Key was used for another request", next: "invalid" },
  headers_too_large: { status: 431, title: "The headers are too large", next: "invalid" },
  rate_limited: { status: 429, title: "Too many requests", next: "retry" },
  mailbox_full: { status: 503, title: "Too much is waiting for this entity", next: "retry" },
  no_host: { status: 503, title: "No host answers for this entity just now", next: "retry" },
  not_owner: { status: 503, title: "Another host answers for this entity", next: "retry" },
  contended: { status: 503, title: "Others kept changing it at the same moment", next: "retry" },
  outcome_unknown: { status: 503, title: "It is not known yet whether this was done", next: "retry" },
  stopping: { status: 503, title: "This host is stopping", next: "retry" },
  board_behind: { status: 503, title: "The list is not yet as new as what you wrote", next: "retry" },
  archive_unavailable: { status: 503, title: "The archive does not answer just now", next: "retry" },
  poison: { status: 500, title: "This request could not be processed", next: "fatal" },
  unloadable: { status: 500, title: "This entity could not be restored from its journal", next: "fatal" },
  internal: { status: 500, title: "Something went wrong here", next: "fatal" },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** A refusal is a value, not an exception: an answer with a stable code that a machine can act on. */
export interface Refusal {
  readonly refused: ErrorCode;
  readonly detail: string;
  /** What a problem document adds for this code: `allowed`, `holder`, … */
  readonly data?: Readonly<Record<string, unknown>>;
}

export function refuse(code: ErrorCode, detail: string, data?: Readonly<Record<string, unknown>>): Refusal {
  return data === undefined ? { refused: code, detail } : { refused: code, detail, data };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "refused" in value;
}

/** True for an answer after which the same request may simply be sent again. */
export function isRetryable(code: ErrorCode): boolean {
  return errorKinds[code].next === "retry";
}
