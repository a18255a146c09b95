import protobuf from "protobufjs";

/** TypeScript names of the enums whose own name says too little outside the message they stand in. */
const enumNames = new Map([
  [".etcdserverpb.WatchCreateRequest.FilterType", "WatchFilterType"],
  [".authpb.Permission.Type", "PermissionType"],
]);

/**
 * Gives each message and enum its TypeScript name: etcd's own, without the package.
 * @returns {Map<protobuf.ReflectionObject, { name: string, file: string, isEnum: boolean }>}
 */
export function assignNames(declared) {
  const names = new Map();
  const taken = new Map();
  for (const { path, objects } of declared) {
    for (const object of objects) {
      if (object instanceof protobuf.Service) continue;
      const isEnum = object instanceof protobuf.Enum;
      const name = enumNames.get(object.fullName) ?? object.name;
      for (const used of isEnum ? [name] : [name, `${name}Input`]) {
        if (taken.has(used))
          throw new Error(`${object.fullName} and ${taken.get(used)} would both be called ${used}`);
        taken.set(used, object.fullName);
      }
      names.set(object, { name, file: path.replace(/\.proto$/, ".ts"), isEnum });
    }
  }
  return names;
}

/** `HashKV` becomes `hashKV`, `KV` becomes `kv`. */
export function lowerCamel(name) {
  return /^[A-Z]+$/.test(name) ? name.toLowerCase() : name.charAt(0).toLowerCase() + name.slice(1);
}

/** For `toSorted`: the same order on every machine, whatever its locale. */
export function compareText(a, b) {
  return a < b ? -1 : Number(a > b);
}

/** Path for an import in `from` of the file `to`, both relative to src/gen. */
export function relativeImport(from, to) {
  return `${"../".repeat(from.split("/").length - 1) || "./"}${to}`;
}

/** A doc comment, or nothing. Field names in it change as the fields do: `range_end` becomes `rangeEnd`. */
export function renderComment(comment, indent) {
  if (!comment) return "";
  const text = comment.replace(/\b[a-z]+(?:_[a-z]+)+\b/g, (name) => protobuf.util.camelCase(name));
  const lines = text.split("\n").map((line) => line.trim());
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}
