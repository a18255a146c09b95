/** One call through etcd's JSON gateway that fails soon. */
async function call(endpoint: string, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(endpoint + path, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(2_000),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** The URLs of all members, as etcd gives them to clients. */
export async function memberUrls(endpoint: string): Promise<{ client: string[]; peer: string[] }[]> {
  const { members } = (await call(endpoint, "/v3/cluster/member/list", {})) as {
    members: { clientURLs: string[]; peerURLs: string[] }[];
  };
  return members.map(({ clientURLs, peerURLs }) => ({ client: clientURLs, peer: peerURLs }));
}

export async function grantLease(endpoint: string, ttlSeconds: number): Promise<string> {
  const { ID } = (await call(endpoint, "/v3/lease/grant", { TTL: ttlSeconds })) as { ID: string };
  return ID;
}

/** Renews a lease; gives the TTL that was answered. */
export async function leaseKeepAlive(endpoint: string, id: string): Promise<number> {
  const { result } = (await call(endpoint, "/v3/lease/keepalive", { ID: id })) as { result: { TTL: string } };
  return Number(result.TTL);
}

/** Writes a key, and does not wait long for a majority. */
export async function putSoon(endpoint: string, key: string): Promise<void> {
  await call(endpoint, "/v3/kv/put", { key: btoa(key), value: btoa("value") });
}
