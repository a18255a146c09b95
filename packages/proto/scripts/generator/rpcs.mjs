import protobuf from "protobufjs";
import { lowerCamel, renderComment } from "./names.mjs";

/** Interfaces of `rpcs` and `services`, and the table they are built from. */
export function renderRpcs(declared, names) {
  const services = declared.flatMap(({ objects }) =>
    objects.filter((object) => object instanceof protobuf.Service),
  );
  const typeOf = (message) => `types.${names.get(message).name}`;

  const client = services.map((service) =>
    renderGroup(service, ({ resolvedRequestType, resolvedResponseType }, streams) => {
      return `RpcMethod<${typeOf(resolvedRequestType)}Input, ${typeOf(resolvedResponseType)}, ${streams}>`;
    }),
  );
  const server = services.map((service) =>
    renderGroup(service, ({ resolvedRequestType, resolvedResponseType }, streams) => {
      return `ServiceMethod<${typeOf(resolvedRequestType)}, ${typeOf(resolvedResponseType)}Input, ${streams}>`;
    }),
  );
  const table = services.map((service) => {
    const prefix = `/${service.fullName.slice(1)}/`;
    const paths = service.methodsArray.map(({ name }) => `    ${lowerCamel(name)}: "${prefix}${name}",\n`);
    return `  ${lowerCamel(service.name)}: {\n${paths.join("")}  },\n`;
  });

  return (
    `import type { RpcMethod, ServiceMethod } from "../method.ts";\n` +
    `import type * as types from "./types.ts";\n` +
    `\n/** All calls as a client makes them, by service. */\nexport interface Rpcs {\n${client.join("")}}\n` +
    `\n/** All calls as a server answers them, by service. */\nexport interface Services {\n${server.join("")}}\n` +
    `\n/** The same table as values. */\n` +
    `export const rpcPaths: { readonly [group in keyof Rpcs]: { readonly [name in keyof Rpcs[group]]: string } } = {\n` +
    `${table.join("")}};\n`
  );
}

function renderGroup(service, renderMethod) {
  const methods = service.methodsArray.map((method) => {
    const streams = `${Boolean(method.requestStream)}, ${Boolean(method.responseStream)}`;
    const comment = renderComment(method.comment, "    ");
    return `${comment}    readonly ${lowerCamel(method.name)}: ${renderMethod(method, streams)};\n`;
  });
  return `${renderComment(service.comment, "  ")}  readonly ${lowerCamel(service.name)}: {\n${methods.join("")}  };\n`;
}
