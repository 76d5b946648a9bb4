import type { Clock } from "../../runtime/ports/index.ts";
import type { CloseCode } from "../../schema/live/close-codes.ts";
import { liveLimits } from "../../schema/live/limits.ts";

/** What is needed of a socket; `send` answers as uWebSockets.js does. */
export interface Socket {
  send(message: Uint8Array, isBinary: boolean): number;
  cork(callback: () => void): unknown;
  getBufferedAmount(): number;
  end(code: number, reason: string): void;
}

const SENT = 1;
const DROPPED = 2;

/** Writes what has gathered in a turn of the event loop at its end: one write a socket, however many events. */
export class Outbox {
  readonly #clock: Clock;
  #due: Connection[] = [];
  /** Frames that were handed over to sockets. */
  frames = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(connection: Connection): void {
    if (this.#due.push(connection) > 1) return;
    this.#clock.soon(() => {
      const due = this.#due;
      this.#due = [];
      for (const one of due) one.flush();
    });
  }
}

/**
 * What goes out on one socket: a bounded queue of frames that many sockets share. The socket's own buffer is never more than
 * a frame beyond what the network takes, so that what waits costs a reference each, and nothing is ever dropped silently.
 */
export class Connection {
  readonly #outbox: Outbox;
  #socket: Socket | undefined;
  #queue: Uint8Array[] = [];
  #sent = 0;
  #bytes = 0;
  #waiting = false;
  #blocked = false;
  #room: (() => void)[] = [];

  constructor(socket: Socket, outbox: Outbox) {
    this.#socket = socket;
    this.#outbox = outbox;
  }

  get open(): boolean {
    return this.#socket !== undefined;
  }

  /** Its client does not keep up: what may wait should, and what may be left out should be. */
  get slow(): boolean {
    return this.#bytes > liveLimits.slowBytes || (this.#blocked && this.#bytes > 0);
  }

  send(frame: Uint8Array): void {
    if (this.#socket === undefined) return;
    this.#queue.push(frame);
    this.#bytes += frame.byteLength;
    if (this.#bytes > liveLimits.backlogBytes) this.close(4413, "overflow");
    else if (!this.#waiting && !this.#blocked) {
      this.#waiting = true;
      this.#outbox.add(this);
    }
  }

  flush(): void {
    this.#waiting = false;
    const socket = this.#socket;
    if (socket === undefined || this.#blocked) return;
    // One frame, as a broadcast is, needs no cork, and its status says whether the network took all of it.
    const alone = this.#queue.length - this.#sent === 1;
    let status = SENT;
    if (alone) status = this.#sendNext(socket);
    else
      socket.cork(() => {
        while (this.#sent < this.#queue.length && status === SENT) status = this.#sendNext(socket);
      });
    if (status === DROPPED) {
      this.close(4413, "overflow");
      return;
    }
    this.#blocked = alone ? status !== SENT : socket.getBufferedAmount() > 0;
    if (this.#sent === this.#queue.length) {
      // One alone leaves its place to the next: a list anew for each frame of a broadcast is most of what is thrown away.
      if (alone && this.#sent === 1) this.#queue.pop();
      else this.#queue = [];
      this.#sent = 0;
    } else if (this.#sent > 1_000) {
      this.#queue = this.#queue.slice(this.#sent);
      this.#sent = 0;
    }
    if (!this.slow) this.#wake();
    if (!this.#blocked && this.#queue.length > 0 && !this.#waiting) {
      this.#waiting = true;
      this.#outbox.add(this);
    }
  }

  /** @returns as `send` does */
  #sendNext(socket: Socket): number {
    const frame = this.#queue[this.#sent]!;
    const status = socket.send(frame, false);
    if (status === DROPPED) return status;
    this.#sent += 1;
    this.#bytes -= frame.byteLength;
    this.#outbox.frames += 1;
    return status;
  }

  /** The network has taken something. */
  drained(): void {
    if (this.#socket === undefined || this.#socket.getBufferedAmount() > 0) return;
    this.#blocked = false;
    this.flush();
  }

  /** Calls back once its client keeps up again, or is gone. */
  whenRoom(callback: () => void): void {
    if (this.open && this.slow) this.#room.push(callback);
    else callback();
  }

  /** Resolves once its client keeps up again, or is gone. */
  room(): Promise<void> {
    return new Promise((resolve) => this.whenRoom(resolve));
  }

  /** What waits is sent as far as the network takes it; then it is closed. */
  close(code: CloseCode, reason: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (code !== 4413) this.flush();
    this.closed();
    socket.end(code, reason);
  }

  /** The socket is gone. */
  closed(): void {
    this.#socket = undefined;
    this.#queue = [];
    this.#sent = 0;
    this.#bytes = 0;
    this.#wake();
  }

  #wake(): void {
    if (this.#room.length === 0) return;
    const waiting = this.#room;
    this.#room = [];
    for (const callback of waiting) callback();
  }
}
