import { expect, it } from "vitest";
import { readConfiguration } from "./configuration.ts";

it("a database is named by a URL of PostgreSQL's; anything else is refused with what would be right, and without the password in it", () => {
  for (const url of ["postgres://u:secret@host/db", "postgresql:///db?host=/run/postgresql"])
    expect(readConfiguration({ DATABASE_URL: url }).DATABASE_URL).toBe(url);
  for (const url of [
    "secret",
    "http://u:secret@host/db",
    "host=127.0.0.1 password=secret",
    "postgres://u:secret@host:99999/db",
  ]) {
    const read = () => readConfiguration({ DATABASE_URL: url });
    expect(read).toThrow("DATABASE_URL: a URL such as postgres://user:password@host:5432/database");
    expect(read).not.toThrow("secret");
  }
});
