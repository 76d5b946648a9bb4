/** A webhook's request as it came: its source's credential is checked against the bytes. */
export class Delivery {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly credential: Credential;

  constructor(bytes: Uint8Array, contentType: string, credential: Credential) {
    this.bytes = bytes;
    this.contentType = contentType;
    this.credential = credential;
  }
}

/** Headers that were not given are empty. */
export interface Credential {
  readonly authorization: string;
  readonly timestamp: string;
  readonly signature: string;
  /** The sender's own id of this delivery, the same when it sends it again. */
  readonly delivery: string;
}
