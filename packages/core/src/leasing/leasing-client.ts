import type { Bytes } from "../kv/bytes.ts";
import type { KeyValue } from "../kv/key-value.ts";
import type { GetOptions } from "../kv/range.ts";
import type { RecipeClient } from "../recipes/recipe-client.ts";

/** What a leasing cache needs of a client. */
export interface LeasingClient extends RecipeClient {
  get(key: Bytes, options?: GetOptions): Promise<KeyValue | undefined>;
}
