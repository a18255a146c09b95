import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import { assignNames, compareText } from "./names.mjs";
import { renderRpcs } from "./rpcs.mjs";
import { renderTypes } from "./types.mjs";

const banner = "// Generated from proto/**/*.proto by scripts/generate.mjs. Do not edit.\n\n";

/**
 * @param {string} protoDir
 * @param {string[]} protoPaths relative to protoDir
 * @returns {Map<string, string>} file texts by their path below src/gen
 */
export function generateFiles(protoDir, protoPaths) {
  const root = new protobuf.Root();
  // Each file is parsed by itself, so that what it declares is known from what it added to the root.
  const declared = protoPaths.map((path) => ({ path, objects: parseInto(root, protoDir, path) }));
  root.resolveAll();
  const names = assignNames(declared);

  const files = new Map();
  files.set("descriptors.ts", renderDescriptors(root));
  for (const { path, objects } of declared) {
    files.set(path.replace(/\.proto$/, ".ts"), renderTypes(path, objects, names));
  }
  files.set("rpcs.ts", renderRpcs(declared, names));
  files.set("types.ts", renderBarrel(names));
  return new Map([...files].map(([path, text]) => [path, banner + text]));
}

function parseInto(root, protoDir, path) {
  const before = new Set(listDeclarations(root));
  const source = readFileSync(join(protoDir, path), "utf8");
  protobuf.parse(source, root, { keepCase: false, alternateCommentMode: true });
  return listDeclarations(root).filter((object) => !before.has(object));
}

/** Services, messages and enums in source order, a nested enum before the message it stands in. */
function listDeclarations(parent) {
  return parent.nestedArray.flatMap((object) => {
    if (object instanceof protobuf.Type) return [...listDeclarations(object), object];
    if (object instanceof protobuf.Namespace && !(object instanceof protobuf.Service))
      return listDeclarations(object);
    return [object];
  });
}

function renderDescriptors(root) {
  // A module, not a .json file: it needs neither import attributes nor a path at run time.
  const json = JSON.stringify(root.toJSON());
  return `/** All messages and services in protobufjs' JSON form. */\nexport const descriptors: object = ${json};\n`;
}

function renderBarrel(names) {
  const exportsByFile = new Map();
  for (const { name, file, isEnum } of names.values()) {
    const entry = exportsByFile.get(file) ?? { types: [], values: [] };
    if (isEnum) entry.values.push(name);
    else entry.types.push(name, `${name}Input`);
    exportsByFile.set(file, entry);
  }
  let text = "";
  for (const [file, { types, values }] of exportsByFile) {
    if (values.length > 0)
      text += `export { ${values.toSorted(compareText).join(", ")} } from "./${file}";\n`;
    if (types.length > 0)
      text += `export type {\n  ${types.toSorted(compareText).join(",\n  ")},\n} from "./${file}";\n`;
  }
  return text;
}
