/**
 * Where in the journal a channel's messages are, so that a page of its history is read without all that came after. The
 * newest stretches are short, as most readers want those; older ones are joined, so that the whole stays small.
 */
export interface Pages {
  /** Oldest first. */
  readonly coarse: readonly Page[];
  readonly fine: readonly Page[];
  /** A coarse page takes so many events before the next one begins. */
  readonly coarseEvents: number;
}

/** A stretch of a channel's envelopes: those after one sequence, up to where the next page begins. */
export interface Page {
  /** Journal sequence of the channel's envelope before the first of the page; 0 for none. */
  readonly after: number;
  /** The number that the first message of the page has, or would have. */
  readonly first: number;
  /** The lowest number of a message that something in this page changes; `first` when that is none before it. */
  readonly touches: number;
  readonly events: number;
}

const FINE_EVENTS = 64;
const FINE_MAX = 64;
const COARSE_MAX = 128;

export const noPages: Pages = { coarse: [], fine: [], coarseEvents: FINE_EVENTS };

/**
 * One more event of the channel: a message, a change of one, or a receipt. An envelope holds one such event at most, so that
 * no envelope lies in two pages.
 * @param after sequence of the channel's envelope before that of the event
 * @param next the number that the next message gets, before the event
 * @param touched the number of the message that it changes, where it changes one
 */
export function noted(pages: Pages, after: number, next: number, touched = next): Pages {
  const last = pages.fine[pages.fine.length - 1];
  if (last !== undefined && last.events < FINE_EVENTS) {
    const grown = { ...last, events: last.events + 1, touches: Math.min(last.touches, touched) };
    return { ...pages, fine: [...pages.fine.slice(0, -1), grown] };
  }
  const fine = [...pages.fine, { after, first: next, touches: Math.min(next, touched), events: 1 }];
  return fine.length <= FINE_MAX ? { ...pages, fine } : aged({ ...pages, fine });
}

/** The oldest fine page becomes a part of the newest coarse one. */
function aged({ coarse, fine, coarseEvents }: Pages): Pages {
  const [oldest, ...rest] = fine;
  const joined = joinedUpTo(coarseEvents, [...coarse, oldest!]);
  if (joined.length <= COARSE_MAX) return { coarse: joined, fine: rest, coarseEvents };
  return { coarse: joinedUpTo(2 * coarseEvents, joined), fine: rest, coarseEvents: 2 * coarseEvents };
}

function joinedUpTo(events: number, pages: readonly Page[]): readonly Page[] {
  const joined: Page[] = [];
  for (const page of pages) {
    const last = joined[joined.length - 1];
    if (last === undefined || last.events + page.events > events) joined.push(page);
    else {
      const touches = Math.min(last.touches, page.touches);
      joined[joined.length - 1] = { ...last, touches, events: last.events + page.events };
    }
  }
  return joined;
}
