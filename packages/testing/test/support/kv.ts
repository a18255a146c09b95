/** Writes a key through etcd's JSON gateway, which needs no client. */
export async function put(endpoint: string, key: string, value: string): Promise<void> {
  const response = await post(endpoint, "/v3/kv/put", { key: btoa(key), value: btoa(value) });
  if (!response.ok) throw new Error(`put: ${response.status} ${await response.text()}`);
}

/** Reads a key; `undefined` when there is none. */
export async function get(endpoint: string, key: string): Promise<string | undefined> {
  const response = await post(endpoint, "/v3/kv/range", { key: btoa(key) });
  const { kvs = [] } = (await response.json()) as { kvs?: { value: string }[] };
  return kvs[0] === undefined ? undefined : atob(kvs[0].value);
}

function post(endpoint: string, path: string, body: unknown): Promise<Response> {
  return fetch(endpoint + path, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
}

/** Whether anything answers at all within half a second. */
export async function answers(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(500) }).then(
    (response) => response.ok,
    () => false,
  );
}
