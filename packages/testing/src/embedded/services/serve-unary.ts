import { status, type ServerUnaryCall, type ServiceError, type handleUnaryCall } from "@grpc/grpc-js";
import { AuthCall } from "../auth/auth-call.ts";
import { StatusError, errors } from "../errors.ts";
import type { CallFaults } from "../faults/fault-book.ts";
import { UnaryContext } from "./call.ts";
import type { UnaryWork } from "./context.ts";
import type { Host, ServedCall } from "./host.ts";
import { lateError, needsLeader } from "./needs-leader.ts";
import { requirementOf } from "./requirement-of.ts";
import { TooLarge } from "./too-large.ts";
import { wantsLeader } from "./wants-leader.ts";

interface Answer {
  readonly header?: { readonly revision?: bigint | undefined } | null | undefined;
}

/** The work behind any unary method. */
export type AnyUnaryWork = UnaryWork<object, Answer>;
type AnyCall = ServerUnaryCall<object, Answer>;

/** The handler for a method with one request and one answer. */
export function serveUnary(
  served: ServedCall,
  work: AnyUnaryWork,
  host: Host,
): handleUnaryCall<object, Answer> {
  const requirement = requirementOf(served);
  const hasHeader = served.service !== "health";

  /** Everything but the faults. */
  function perform(call: AnyCall, context: UnaryContext): Answer | Promise<Answer> {
    requirement?.(new AuthCall(context), call.request);
    return work(call.request, context);
  }

  function withHeader(answer: Answer, { state, member }: UnaryContext): Answer {
    if (!hasHeader || answer.header === null) return answer;
    return { ...answer, header: state.header(member, answer.header?.revision) };
  }

  async function slowly(call: AnyCall, faults: CallFaults): Promise<Answer> {
    // The signal exists before the wait, so that it can end it.
    const waiting = contextOf(call, host);
    const { signal } = waiting;
    for (const hold of faults.holdsBefore) await hold.wait();
    if (faults.failure !== undefined) throw faults.failure;
    if (!host.hasLeader) {
      if (wantsLeader(call.metadata)) throw errors.noLeader();
      if (needsLeader(served.path, call.request)) {
        await host.leader(signal, () => lateError(served.path, call.request));
      }
    }
    if (signal.aborted && !faults.holdsBefore.some(({ late }) => late)) throw errors.canceled();
    const context = contextOf(call, host);
    const answer = withHeader(await perform(call, context), context);
    if (faults.lostAnswer !== undefined) throw faults.lostAnswer;
    for (const hold of faults.holdsAfter) await hold.wait();
    return answer;
  }

  return (call, callback) => {
    const fail = (error: unknown): void => {
      host.answers.pass(() => {
        callback(toServiceError(error));
      });
    };
    const succeed = (answer: Answer): void => {
      host.answers.pass(() => {
        callback(null, answer);
      });
    };
    if (call.request instanceof TooLarge) {
      fail(call.request.error);
      return;
    }
    const faults = host.faults.meet(served.path, host.view.name);
    if (faults !== undefined || !host.hasLeader) {
      slowly(call, faults ?? noFaults).then(succeed, fail);
      return;
    }
    try {
      const context = contextOf(call, host);
      const answer = perform(call, context);
      if (answer instanceof Promise) {
        answer
          .then((value) => {
            succeed(withHeader(value, context));
          }, fail)
          .catch(fail);
      } else succeed(withHeader(answer, context));
    } catch (error) {
      fail(error);
    }
  };
}

const noFaults: CallFaults = { failure: undefined, lostAnswer: undefined, holdsBefore: [], holdsAfter: [] };

function contextOf(call: AnyCall, host: Host): UnaryContext {
  const context = new UnaryContext(host, call.metadata, () => call.cancelled);
  call.once("cancelled", () => {
    context.abort();
  });
  return context;
}

/** The status of a call for what its work has thrown. */
export function toServiceError(error: unknown): Pick<ServiceError, "code" | "details"> {
  if (error instanceof StatusError) return { code: error.code, details: error.details };
  return { code: status.INTERNAL, details: `the embedded etcd has a defect: ${String(error)}` };
}
