import type { FoundMessagesQuery } from "../../../runtime/archive.ts";

/** Messages in which all of these words once stood, newest first. */
export function messagesQuery({ channelId, words, before, limit }: FoundMessagesQuery): {
  text: string;
  values: unknown[];
} {
  return {
    text: `select distinct number from message_words
      where channel_id = $1::uuid and words @> $2::text[] and number < $3 order by number desc limit $4`,
    values: [channelId, words, Math.min(before, INTEGER_MAX), limit],
  };
}

/** The newest message of a channel that the archive knows. */
export const newestMessageQuery = "select message_count from channels where id = $1::uuid";

const INTEGER_MAX = 2_147_483_647;
