/** What is asked of, and happens to, an entity with fields and a secret of its own: sources of alerts, webhooks. */
export type SecretHolderCommand<Fields> =
  | { readonly type: "create"; readonly agencyId: string; readonly fields: Fields }
  | { readonly type: "update"; readonly changes: Partial<Fields> }
  | { readonly type: "rotate" };

export interface SecretHolderCreated<Fields> {
  readonly agencyId: string;
  readonly fields: Fields;
}

export interface SecretHolderUpdated<Fields> {
  readonly changes: Partial<Fields>;
  readonly was: Partial<Fields>;
}

export interface SecretHolderRotated {
  readonly generation: number;
}

export type SecretHolderEvent<Kind extends string, Fields> =
  | ({ readonly type: `${Kind}.created` } & SecretHolderCreated<Fields>)
  | ({ readonly type: `${Kind}.updated` } & SecretHolderUpdated<Fields>)
  | ({ readonly type: `${Kind}.rotated` } & SecretHolderRotated);
