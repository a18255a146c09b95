import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
// What ends in "Options" in proto is a message of etcd.
const packages = readdirSync(`${root}packages`).filter((name) => name !== "proto");

/** All packages' sources as one program, and who refers to what in it. */
function load(): ts.LanguageService {
  const { config } = ts.readConfigFile(`${root}tsconfig.base.json`, (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const files = packages.map((name) => `${root}packages/${name}/src/index.ts`);
  return ts.createLanguageService({
    getCompilationSettings: () => ({ ...options, composite: false, incremental: false, noEmit: true }),
    getScriptFileNames: () => files,
    getScriptVersion: () => "1",
    getScriptSnapshot: (path) => {
      const text = ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: (each) => ts.getDefaultLibFilePath(each),
    fileExists: (path) => ts.sys.fileExists(path),
    readFile: (path) => ts.sys.readFile(path),
    directoryExists: (path) => ts.sys.directoryExists(path),
    getDirectories: (path) => ts.sys.getDirectories(path),
    realpath: (path) => ts.sys.realpath?.(path) ?? path,
  });
}

interface Option {
  readonly name: string;
  readonly declaration: ts.Declaration;
}

const service = load();
const program = service.getProgram();
if (program === undefined) throw new Error("the sources make no program");
const checker = program.getTypeChecker();

/** Every property of every exported interface whose name ends in "Options", with the interface that declares it. */
function exportedOptions(): Map<string, Option> {
  const found = new Map<string, Option>();
  for (const name of packages) {
    const file = program?.getSourceFile(`${root}packages/${name}/src/index.ts`);
    const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
    if (module === undefined) continue;
    for (const exported of checker
      .getExportsOfModule(module)
      .filter((each) => each.name.endsWith("Options"))) {
      for (const property of checker.getDeclaredTypeOfSymbol(exported).getProperties()) {
        const declaration = property.declarations?.[0];
        if (declaration === undefined) continue;
        const owner = ts.isInterfaceDeclaration(declaration.parent)
          ? declaration.parent.name.text
          : exported.name;
        found.set(`${name}: ${owner}.${property.name}`, { name: property.name, declaration });
      }
    }
  }
  return found;
}

/**
 * Whether something in the sources takes the option's value: `options.name`, or `{ name } = options`. Options are handed on
 * to functions that declare what they need themselves: then a property that takes what the option's owner is counts, too.
 */
function isRead(option: Option): boolean {
  return isTaken(option.declaration) || receiversOf(option).some(isTaken);
}

function isTaken(declaration: ts.Declaration): boolean {
  const position = ts.getNameOfDeclaration(declaration)?.getStart() ?? declaration.getStart();
  const references = service.findReferences(declaration.getSourceFile().fileName, position) ?? [];
  const places = references.flatMap((each) => each.references);
  return places.some(({ fileName, textSpan }) => takesValue(fileName, textSpan.start));
}

function takesValue(fileName: string, position: number): boolean {
  const file = program?.getSourceFile(fileName);
  const token = file === undefined ? undefined : tokenAt(file, position);
  return (
    token !== undefined && (ts.isPropertyAccessExpression(token.parent) || ts.isBindingElement(token.parent))
  );
}

/** The properties of the same name of all types in the package that the option's owner can be given to, or spread into. */
function receiversOf({ name, declaration }: Option): ts.Declaration[] {
  const folder = declaration.getSourceFile().fileName.replace(/\/src\/.*/, "/src/");
  const owner = checker.getTypeAtLocation(declaration.parent);
  return (propertiesByName(folder).get(name) ?? []).filter(
    (each) => each !== declaration && isPartOf(owner, checker.getTypeAtLocation(each.parent)),
  );
}

/** Whether a type has of an owner's properties more than one, or nothing else, and all of them alike. */
function isPartOf(owner: ts.Type, receiver: ts.Type): boolean {
  const typeOf = (property: ts.Symbol): ts.Type =>
    checker.getNonNullableType(checker.getTypeOfSymbol(property));
  const shared = owner.getProperties().flatMap((property) => {
    const other = receiver.getProperty(property.name);
    return other === undefined ? [] : [checker.isTypeAssignableTo(typeOf(property), typeOf(other))];
  });
  return shared.every(Boolean) && (shared.length > 1 || receiver.getProperties().length === 1);
}

const propertiesOf = new Map<string, Map<string, ts.PropertySignature[]>>();

function propertiesByName(folder: string): Map<string, ts.PropertySignature[]> {
  const known = propertiesOf.get(folder);
  if (known !== undefined) return known;
  const found = new Map<string, ts.PropertySignature[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node)) {
      const name = node.name.getText();
      found.set(name, [...(found.get(name) ?? []), node]);
    }
    ts.forEachChild(node, visit);
  };
  for (const file of program?.getSourceFiles() ?? []) if (file.fileName.startsWith(folder)) visit(file);
  propertiesOf.set(folder, found);
  return found;
}

function tokenAt(node: ts.Node, position: number): ts.Node | undefined {
  const inner = node.getChildren().find((each) => each.getStart() <= position && position < each.getEnd());
  if (inner === undefined) return node.getStart() === position ? node : undefined;
  return inner.getChildCount() === 0 ? inner : tokenAt(inner, position);
}

describe("options", { timeout: 120_000 }, () => {
  const options = exportedOptions();

  it("are found", () => {
    expect(options.size).toBeGreaterThan(40);
  });

  it("are documented, every one", () => {
    const silent = [...options].filter(([, { declaration }]) => {
      const symbol = checker.getSymbolAtLocation(ts.getNameOfDeclaration(declaration) ?? declaration);
      return ts.displayPartsToString(symbol?.getDocumentationComment(checker)).trim() === "";
    });
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  it("are read, every one: a documented option that nothing looks at is a lie", () => {
    const unread = [...options].filter(([, option]) => !isRead(option));
    expect(unread.map(([name]) => name)).toEqual([]);
  });
});
