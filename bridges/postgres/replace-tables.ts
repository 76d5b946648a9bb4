import pg from "pg";

interface Move {
  readonly from: string;
  readonly to: string;
}

/**
 * Puts tables of one schema in the place of those of the same names in another, within a transaction. Whoever was granted
 * something on the old ones has it on the new ones. @throws when something else stands on the old ones, such as a view
 */
export async function replaceTables(client: pg.ClientBase, names: readonly string[], { from, to }: Move) {
  const named = (schema: string, name: string) => `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
  await client.query(`lock table ${names.map((name) => named(to, name)).join(", ")} in access exclusive mode`);
  for (const name of names) await client.query(await grants(client, named(to, name), named(from, name)));
  for (const name of names) await client.query(`drop table ${named(to, name)}`);
  for (const name of names) {
    await client.query(`alter table ${named(from, name)} set schema ${pg.escapeIdentifier(to)}`);
  }
}

/** The statements that grant what is granted on one table on another one as well. */
async function grants(client: pg.ClientBase, old: string, young: string): Promise<string> {
  const { rows } = await client.query<{ statement: string }>(
    `select format('grant %s on %s to %s', privilege_type, $2::text,
                   case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end) as statement
     from pg_class cross join aclexplode(relacl)
     where pg_class.oid = $1::regclass and grantee <> relowner`,
    [old, young],
  );
  return rows.map(({ statement }) => statement).join("; ");
}
