import type { ResponseHeader } from "@quorumkit/proto";
import { EtcdError } from "../errors/etcd-error.ts";

/** The store's revision when the server answered. */
export function revisionOf(response: { readonly header: ResponseHeader | null }): bigint {
  return headerOf(response).revision;
}

/** Every etcd answer has a header; one without comes from something that is not etcd. */
export function headerOf({ header }: { readonly header: ResponseHeader | null }): ResponseHeader {
  if (header === null) throw new EtcdError("PROTOCOL", "an answer came without a header");
  return header;
}
