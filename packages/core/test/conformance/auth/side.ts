import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { rpcs, type WatchCreateRequestInput } from "@quorumkit/proto";
import type { Side } from "../compare.ts";
import { type AnyUnaryMethod, Connection } from "../connection.ts";
import { normalise, type Plain } from "../normalise.ts";
import { type Place, resolve } from "../resolve.ts";
import type { AuthCalls, AuthStep } from "./steps.ts";

const UNARY: { readonly [Name in keyof AuthCalls]: AuthCalls[Name] } = {
  ...rpcs.auth,
  ...rpcs.kv,
  ...rpcs.lease,
  ...rpcs.cluster,
  ...rpcs.maintenance,
};
const EVERYTHING = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };
/** The user that sequences cannot lose; see the generators. */
export const ROOT = { name: "root", password: "secret" };

/** One of the two servers, as users see it who come and go. */
export class AuthSide implements Side<AuthStep> {
  readonly #connection: Connection;
  readonly #tokens = new Map<string, string>();
  #base = 0n;
  #authBase = 0n;

  constructor(endpoint: string) {
    this.#connection = new Connection(endpoint);
  }

  /** Makes an empty store, with the user `root` and nobody else, who still has to log in. */
  async begin(): Promise<void> {
    this.#tokens.clear();
    await this.#open();
    const unary = this.#connection.unary.bind(this.#connection);
    const { leases } = await unary(rpcs.lease.leaseLeases, {});
    for (const { ID } of leases) await unary(rpcs.lease.leaseRevoke, { ID });
    const { users } = await unary(rpcs.auth.userList, {});
    for (const name of users) await unary(rpcs.auth.userDelete, { name });
    const { roles } = await unary(rpcs.auth.roleList, {});
    for (const role of roles) await unary(rpcs.auth.roleDelete, { role });
    await unary(rpcs.auth.userAdd, ROOT);
    await unary(rpcs.auth.roleAdd, { name: "root" });
    await unary(rpcs.auth.userGrantRole, { user: "root", role: "root" });
    await unary(rpcs.kv.deleteRange, EVERYTHING);
    this.#base = this.#connection.revision;
    this.#authBase = await this.#authRevision();
  }

  async run(step: AuthStep): Promise<Plain> {
    const metadata = this.#metadata(step.as);
    try {
      if ("watch" in step) return await this.#watch(step.watch, metadata);
      if ("keepAlive" in step) {
        const answers = await this.#connection.bidi(
          rpcs.lease.leaseKeepAlive,
          [{ ID: step.keepAlive }],
          metadata,
        );
        return this.#plain(answers);
      }
      const request = resolve<{ name?: string }>(step.request, this.#place);
      const answer = await this.#connection.unary(
        UNARY[step.call] as unknown as AnyUnaryMethod,
        request,
        metadata,
      );
      if ("token" in answer && typeof answer.token === "string") {
        this.#tokens.set(request.name ?? "", answer.token);
        return { header: this.#plain(answer.header), token: "some" };
      }
      return this.#plain(answer);
    } catch (error) {
      const { code, details } = error as ServiceError;
      if (typeof code !== "number") throw error;
      return { code, details };
    }
  }

  end(): void {
    this.#tokens.clear();
  }

  close(): void {
    this.#connection.close();
  }

  get #place(): Place {
    return { base: this.#base, now: this.#connection.revision, autoLeases: [] };
  }

  #plain(answer: unknown): Plain {
    return normalise(answer, { ...this.#place, authBase: this.#authBase });
  }

  #metadata(name: string | undefined): Metadata {
    const metadata = new Metadata();
    const token = name === undefined ? undefined : this.#tokens.get(name);
    if (token !== undefined) metadata.set("token", token);
    return metadata;
  }

  /** Everybody may do everything again. */
  async #open(): Promise<void> {
    try {
      const { token } = await this.#connection.unary(rpcs.auth.authenticate, ROOT);
      const metadata = new Metadata();
      metadata.set("token", token);
      await this.#connection.unary(rpcs.auth.authDisable, {}, metadata);
    } catch (error) {
      if ((error as ServiceError).details !== "etcdserver: authentication is not enabled") throw error;
    }
  }

  /** 0 where the server cannot tell it: before 3.5. */
  async #authRevision(): Promise<bigint> {
    try {
      const { authRevision } = await this.#connection.unary(rpcs.auth.authStatus, {});
      return authRevision;
    } catch {
      return 0n;
    }
  }

  async #watch(sketch: object, metadata: Metadata): Promise<Plain> {
    const { path, requestSerialize, responseDeserialize } = rpcs.watch.watch;
    const call = this.#connection.client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
    );
    try {
      call.write({ createRequest: resolve<WatchCreateRequestInput>(sketch, this.#place) });
      for await (const answer of call) return this.#plain(answer);
      return "ended without an answer";
    } finally {
      call.on("error", () => {});
      call.cancel();
    }
  }
}
