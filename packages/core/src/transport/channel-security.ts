import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";
import { EtcdError } from "../errors/etcd-error.ts";
import { within } from "../util/abort.ts";
import { checkPem, type PemKind, type PemSource, type ResolvedTls } from "./tls-options.ts";

type Pems = Partial<Record<PemKind, Buffer>>;

const NONE = Buffer.alloc(0);

/** A new connection waits no longer for files that were read before. */
const READ_MS = 1_000;

const INSECURE = ChannelCredentials.createInsecure();

/**
 * What channels are made with. Where there are files to read, {@link load} comes before the first channel, and
 * {@link refresh} before each new connection.
 */
export class ChannelSecurity {
  /** Whether what channels are made with can change, because files can. */
  readonly fromFiles: boolean;
  readonly #tls: ResolvedTls | undefined;
  #pems: Pems = {};
  #secure: ChannelCredentials | undefined;
  #loading: Promise<void> | undefined;
  #fileError: EtcdError | undefined;
  /** A reading that took too long goes on; until it ends nobody waits for it again. */
  #hangs = false;

  constructor(tls?: ResolvedTls) {
    this.#tls = tls;
    const given = tls === undefined ? {} : pemsGiven(tls);
    this.fromFiles = given === undefined;
    if (given !== undefined) this.#secure = make(tls, given);
  }

  /** Whether there is nothing to read. */
  get loaded(): boolean {
    return this.#secure !== undefined;
  }

  /** Why the files could not be used when they were last read, so that older ones still are. */
  get fileError(): EtcdError | undefined {
    return this.#fileError;
  }

  /** Options of each secure channel. */
  get channelOptions(): ChannelOptions {
    const name = this.#tls?.serverName;
    if (name === undefined) return {};
    return { "grpc.ssl_target_name_override": name, "grpc.default_authority": name };
  }

  /** For `https://`, or for anything else. */
  credentials(secure: boolean): ChannelCredentials {
    if (!secure) return INSECURE;
    if (this.#secure === undefined) throw new EtcdError("INTERNAL", "the TLS files have not been read");
    return this.#secure;
  }

  /** Reads the files. Rejects with `UNAVAILABLE`, which names the option; the next call tries again. */
  async load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /**
   * Reads the files again. When they cannot be used, or not be read in a moment, as from a file system that hangs, everything
   * stays as it was, and {@link fileError} says why.
   */
  async refresh(): Promise<void> {
    if (this.#hangs) return;
    const reading = this.load().then(
      () => "read" as const,
      (error: unknown) => EtcdError.from(error),
    );
    const outcome = await within(reading, READ_MS);
    if (outcome === undefined) {
      this.#hangs = true;
      void reading.then(() => (this.#hangs = false));
      this.#fileError = new EtcdError(
        "UNAVAILABLE",
        `the files of tls could not be read within ${READ_MS} ms`,
      );
    } else {
      this.#fileError = outcome === "read" ? undefined : outcome;
    }
  }

  async #read(): Promise<void> {
    if (this.#tls === undefined) return;
    const pems: Pems = {};
    for (const [kind, source] of Object.entries(this.#tls.sources) as [PemKind, PemSource][]) {
      pems[kind] = "pem" in source ? source.pem : await readPem(source.name, source.path);
    }
    // The same credentials as before: whoever compares them sees that nothing has changed.
    if (this.loaded && same(pems, this.#pems)) return;
    try {
      for (const [kind, pem] of Object.entries(pems) as [PemKind, Buffer][])
        checkPem(kind, this.#tls.sources[kind]?.name ?? kind, pem);
      this.#secure = make(this.#tls, pems);
      this.#pems = pems;
    } catch (error) {
      if (error instanceof TypeError) throw new EtcdError("UNAVAILABLE", error.message);
      throw new EtcdError("UNAVAILABLE", "the files of tls cannot be used", { cause: error });
    }
  }
}

function same(a: Pems, b: Pems): boolean {
  const kinds: readonly PemKind[] = ["ca", "cert", "key"];
  return kinds.every((kind) => (a[kind] ?? NONE).equals(b[kind] ?? NONE));
}

function pemsGiven({ sources }: ResolvedTls): Pems | undefined {
  const pems: Pems = {};
  for (const [kind, source] of Object.entries(sources) as [PemKind, PemSource][]) {
    if (!("pem" in source)) return undefined;
    pems[kind] = source.pem;
  }
  return pems;
}

async function readPem(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new EtcdError("UNAVAILABLE", `${name} ${path} could not be read`, { cause });
  }
}

/** Throws a TypeError when the parts do not make a whole. */
function make(tls: ResolvedTls | undefined, { ca, cert, key }: Pems): ChannelCredentials {
  if (cert !== undefined && key !== undefined && !belong(cert, key)) {
    throw new TypeError(`${tls?.sources.key?.name} must be the key of ${tls?.sources.cert?.name}`);
  }
  // Not with undefined members: Node tells them from absent ones.
  const context = createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
  return ChannelCredentials.createFromSecureContext(context, {
    rejectUnauthorized: tls?.rejectUnauthorized ?? true,
  });
}

function belong(cert: Buffer, key: Buffer): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}
