/**
 * Many records are one message of a stream, a line each: JSON has no line breaks of its own, and what was one message for
 * one record is a message of one line. Each record has a place that rises from record to record of the stream, whatever
 * message it is in: messages count on from thousand to thousand, and the records of a message between.
 */
export const RECORDS_PER_MESSAGE = 1_000;

/** The place of a message's record: of one that has been kept, in the order of its message. */
export function placeInStream(message: number, index: number): number {
  return message * RECORDS_PER_MESSAGE + index;
}
