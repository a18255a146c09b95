import protobuf from "protobufjs";
import { compareText, relativeImport, renderComment } from "./names.mjs";

const scalars = new Map([
  ["bool", "boolean"],
  ["string", "string"],
  ["uint32", "number"],
  ["int64", "bigint"],
  ["uint64", "bigint"],
]);

/** The TypeScript of one .proto file: enums, and two interfaces for each message. */
export function renderTypes(path, objects, names) {
  const file = path.replace(/\.proto$/, ".ts");
  const imports = new Map();
  const use = (object, suffix) => {
    const { name, file: home } = names.get(object);
    if (home !== file) imports.set(home, (imports.get(home) ?? new Set()).add(name + suffix));
    return name + suffix;
  };

  const body = objects
    .filter((object) => !(object instanceof protobuf.Service))
    .map((object) =>
      object instanceof protobuf.Enum
        ? renderEnum(object, names.get(object).name)
        : renderDecoded(object, use) + "\n" + renderInput(object, use),
    )
    .join("\n");

  const importLines = [...imports]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(
      ([home, used]) =>
        `import type { ${[...used].toSorted(compareText).join(", ")} } from "${relativeImport(file, home)}";\n`,
    );
  return importLines.join("") + (importLines.length > 0 ? "\n" : "") + body;
}

function renderEnum(type, name) {
  const values = Object.entries(type.values).map(
    ([key, number]) => renderComment(type.comments[key], "  ") + `  ${key}: ${number},\n`,
  );
  return (
    renderComment(type.comment, "") +
    `export const ${name} = {\n${values.join("")}} as const;\n` +
    `export type ${name} = (typeof ${name})[keyof typeof ${name}];\n`
  );
}

/** What a deserializer gives. */
function renderDecoded(message, use) {
  const { name } = message;
  if (message.fieldsArray.length === 0) {
    return `${renderComment(message.comment, "")}export type ${use(message, "")} = Readonly<Record<string, never>>;\n`;
  }
  let text = `${renderComment(message.comment, "")}export interface ${use(message, "")} {\n`;
  for (const oneof of message.oneofsArray) {
    const members = oneof.fieldsArray.map((field) => `"${field.name}"`).join(" | ");
    text += `  /** Names the member that is set; absent when none is. */\n`;
    text += `  readonly ${oneof.name}?: ${members};\n`;
  }
  for (const field of message.fieldsArray) {
    const inOneof = field.partOf !== null;
    let type = fieldType(field, "Buffer", (object) => use(object, ""));
    if (field.map) type = `Record<string, ${type}>`;
    else if (field.repeated) type = `${type}[]`;
    else if (isMessage(field) && !inOneof) type += " | null";
    text += renderComment(field.comment, "  ");
    text += `  readonly ${field.name}${inOneof ? "?" : ""}: ${type};\n`;
  }
  return assertSupported(name, message) + text + "}\n";
}

/** What a serializer takes. */
function renderInput(message, use) {
  const name = use(message, "Input");
  if (message.fieldsArray.length === 0) return `export type ${name} = Readonly<Record<string, never>>;\n`;
  let text = `/** {@link ${use(message, "")}} to be encoded. */\nexport interface ${name} {\n`;
  for (const field of message.fieldsArray) {
    let type = fieldType(field, "Uint8Array", (object) =>
      use(object, object instanceof protobuf.Enum ? "" : "Input"),
    );
    if (field.map) type = `Readonly<Record<string, ${type}>>`;
    else if (field.repeated) type = `readonly ${type}[]`;
    else if (isMessage(field)) type += " | null";
    text += `  ${field.name}?: ${type} | undefined;\n`;
  }
  return text + "}\n";
}

function isMessage(field) {
  return field.resolvedType instanceof protobuf.Type;
}

function fieldType(field, bytes, useType) {
  if (field.resolvedType !== null) return useType(field.resolvedType);
  if (field.type === "bytes") return bytes;
  const type = scalars.get(field.type);
  if (type === undefined) throw new Error(`${field.fullName}: no TypeScript type for ${field.type}`);
  return type;
}

/** Stops the generator where the rules above would write a wrong type. */
function assertSupported(name, message) {
  for (const field of message.fieldsArray) {
    if (field.optional && field.options?.proto3_optional)
      throw new Error(`${name}.${field.name}: "optional" is not supported`);
    if (field.map && field.keyType !== "string")
      throw new Error(`${name}.${field.name}: map keys must be strings`);
  }
  return "";
}
