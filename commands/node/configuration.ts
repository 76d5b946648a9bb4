import { existsSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { z } from "zod";
import { PARTITIONS_DEFAULT } from "../../runtime/placement/partition.ts";
import { agencyId } from "../../schema/principal.ts";

const PORT = "a whole number from 0 to 65535";
const anyPort = z.coerce.number({ error: PORT }).int(PORT).min(0, PORT).max(65_535, PORT);
const port = (fallback: number) => anyPort.default(fallback);

/** A file that has to be there: what it is for would otherwise be found out late, or under no name. */
const file = z.string().refine((path) => existsSync(path) && !statSync(path).isDirectory(), {
  error: ({ input }) => `there is no file ${input}`,
});

/** An address, or a network as address/bits. */
function isNetwork(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!;
  return most > 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}

/** What the archive's own process has to know, too. */
export const archiveSettings = {
  LOCATION_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("positions older than this leave the archive; 0: none ever do"),
};

const DATABASE_URL_IS = "a URL such as postgres://user:password@host:5432/database";
/** Whatever else would be taken for a path, on a host of the client's own choosing. */
export const databaseUrl = z
  .string()
  .regex(/^postgres(?:ql)?:\/\//, { error: DATABASE_URL_IS, abort: true })
  .refine((url) => URL.canParse(url), DATABASE_URL_IS);

/** Everything that can be configured, from the environment; docs/operations.md has the same table in words. */
const schema = z.object({
  HOST: z.string().default("127.0.0.1").describe("address the API listens on"),
  PORT: port(8080).describe("port of the API"),
  DATA_DIR: z.string().default("./data").describe("where everything is kept"),
  DURABILITY: z.enum(["sync", "replicated"]).default("sync").describe("sync: fsync before every acknowledgement"),
  NATS_URL: z.string().optional().describe("use this nats-server (or cluster) instead of starting one"),
  NATS_SERVER: z.string().optional().describe("the nats-server binary to start"),
  NATS_PORT: port(0).describe("port of the nats-server that is started; 0: any free one"),
  BATCH_STAGING: z
    .enum(["memory", "disk"])
    .default("memory")
    .describe("where that nats-server puts atomic batches together; memory: in /dev/shm, while there is enough"),
  REPLICAS: z.coerce
    .number()
    .int()
    .refine((n) => n === 1 || n === 3 || n === 5, "1, 3 or 5")
    .default(1)
    .describe("copies of every stream"),
  PARTITIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_024)
    .default(PARTITIONS_DEFAULT)
    .describe("fixed when a cluster is made"),
  HOST_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,32}$/, "1 to 32 letters, digits, _ and -")
    .default("local")
    .describe("name of this host: unique in its cluster"),
  AGENCY: agencyId.default("default").describe("agency of the admin token"),
  JWT_SECRET_FILE: file.optional().describe("file with the HS256 secret; default: made in DATA_DIR"),
  SOURCES_KEY_FILE: file
    .optional()
    .describe("file with the key of the secrets of alert sources; default: it follows from the HS256 secret"),
  JWKS_URL: z.url().optional().describe("keys to check tokens with"),
  JWT_ISSUER: z.string().optional().describe("who must have issued a token; default: anybody with the key"),
  JWT_AUDIENCE: z.string().optional().describe("whom a token must be for; default: anybody"),
  MASTER_KEY_FILE: z.string().optional().describe("file with the master key of messages; default: made in DATA_DIR"),
  MASTER_KEY_LOST: z
    .literal("go-on")
    .optional()
    .describe("go-on: start under another master key though the messages so far can then never be read"),
  MASTER_KEY: z.string().optional().describe("the master key itself, instead of a file"),
  PUSH_CONTACT: z
    .string()
    .regex(/^(?:mailto:.+@.+|https:\/\/.+)$/, "mailto:… or https://…")
    .default("mailto:tocsin@localhost.localdomain")
    .describe("whom push services write to when something is wrong"),
  NTFY_URL: z.url().optional().describe("the ntfy server of devices that name none"),
  NTFY_TOKEN: z.string().optional().describe("access token for NTFY_URL"),
  FCM_CREDENTIALS_FILE: file.optional().describe("Google's service account, JSON: without it FCM is off"),
  FCM_URL: z.url().default("https://fcm.googleapis.com").describe("where FCM is reached"),
  APNS_KEY_FILE: file.optional().describe("Apple's key, .p8: without it, its ids and the topic APNs is off"),
  APNS_KEY_ID: z.string().optional().describe("id of that key"),
  APNS_TEAM_ID: z.string().optional().describe("id of the team that the key is of"),
  APNS_TOPIC: z.string().optional().describe("bundle id of the app"),
  APNS_URL: z
    .url()
    .default("https://api.push.apple.com")
    .describe("api.sandbox.push.apple.com for apps under development"),
  RATE_LIMIT_PER_SECOND: z.coerce
    .number()
    .int()
    .min(0)
    .default(200)
    .describe("requests a principal may make in a second; 0: no limit"),
  ARCHIVE: z.enum(["on", "off"]).default("on").describe("off: without PostgreSQL, as --no-archive"),
  DATABASE_URL: databaseUrl.optional().describe("use this PostgreSQL for the archive instead of starting one"),
  ...archiveSettings,
  SHORTENED_JOURNAL: z
    .enum(["refuse", "accept"])
    .default("refuse")
    .describe("accept: start with a journal that has lost its end"),
  CLASSIFIER_MODEL: z
    .union([z.literal("off"), file])
    .optional()
    .describe("file of the text model; default: the one that comes along; off: none"),
  TRAVEL_TIME_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("table service of OSRM's API, with its profile: units are then recommended by travel time"),
  JOURNAL_DAYS: z.coerce
    .number()
    .min(0)
    .default(90)
    .describe("days after which an incident that is over is in the archive alone; 0: never"),
  WEBHOOK_NETWORKS: z
    .string()
    .default("")
    .transform((list) => list.split(",").flatMap((one) => one.trim() || []))
    .refine((list) => list.every(isNetwork), "addresses and networks, as 127.0.0.1,10.1.2.0/24")
    .describe("private addresses that webhooks and pushes may be sent to, as 127.0.0.1,10.1.2.0/24"),
  MQTT: z.enum(["on", "off"]).default("on").describe("off: no devices and units by MQTT"),
  MQTT_PORT: anyPort
    .optional()
    .describe(
      "port of the MQTT listener of the nats-server that is started; default: 1883, or a free one; 0: a free one",
    ),
  MQTT_URL: z
    .string()
    .regex(/^(?:mqtts?|wss?):\/\//, "mqtt://, mqtts://, ws:// or wss://")
    .optional()
    .describe("use this broker instead of that listener, as mqtts://broker.example"),
  MQTT_VERSION: z.enum(["4", "5"]).default("4").describe("4: MQTT 3.1.1"),
  MQTT_CLIENT_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,23}$/, "1 to 23 letters, digits, _ and -")
    .default("tocsin")
    .describe("of the session that the broker keeps: one for the whole cluster"),
  MQTT_USERNAME: z.string().optional().describe("who we are to the broker"),
  MQTT_PASSWORD_FILE: file.optional().describe("file with the password of that"),
  MQTT_CA_FILE: file.optional().describe("PEM: whom to trust, beside the usual ones"),
  MQTT_CERT_FILE: file.optional().describe("PEM: who we are to the broker"),
  MQTT_KEY_FILE: file.optional().describe("PEM: the key of that"),
  MQTT_TOPICS_FILE: file.optional().describe("JSON: which topics mean what; default: what docs/alerts.md lists"),
  LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("debug, info, warn, error or silent"),
});

export type Configuration = z.infer<typeof schema>;

/** @throws Error naming every variable that does not fit, and what would */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.join(".")}: ${message}`);
  throw new Error(`these environment variables do not fit:\n${lines.join("\n")}`);
}

/** One line a variable, for --help. */
export function describeConfiguration(): string {
  const settings = Object.entries(schema.shape);
  const width = Math.max(...settings.map(([name]) => name.length));
  return settings
    .map(([name, type]) => {
      const fallback = String(type.safeParse(undefined).data ?? "");
      return `  ${name.padEnd(width)} ${type.description}${fallback === "" ? "" : ` (default ${fallback})`}`;
    })
    .join("\n");
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
