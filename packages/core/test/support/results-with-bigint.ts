import { fileURLToPath } from "node:url";
import ts from "typescript";

/**
 * Every method, property and event of core's exported classes whose value has a bigint in it: `EtcdClient.put`,
 * `MirrorEvents.change`. Looked for in promises, lists, iterables and unions, and in objects that are not of a class; what
 * is of a class is looked at by itself.
 */
export function resultsWithBigint(): readonly string[] {
  const entry = fileURLToPath(new URL("../../src/index.ts", import.meta.url));
  const config = fileURLToPath(new URL("../../tsconfig.json", import.meta.url));
  const { options } = ts.getParsedCommandLineOfConfigFile(
    config,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  ) ?? { options: {} };
  const program = ts.createProgram([entry], { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(entry);
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error("core's entry is no module");
  const found: string[] = [];
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const isClass = (symbol.flags & ts.SymbolFlags.Class) !== 0;
    if (!isClass && !symbol.name.endsWith("Events")) continue;
    for (const member of checker.getDeclaredTypeOfSymbol(symbol).getProperties()) {
      const type = checker.getTypeOfSymbol(member);
      const value = type.getCallSignatures()[0]?.getReturnType() ?? type;
      if (
        !member.name.startsWith("#") &&
        !isPromiseOfBigint(checker, value) &&
        hasBigint(checker, value, new Set())
      )
        found.push(`${symbol.name}.${member.name.replace(/^__@(\w+)@\d+$/, "$1")}`);
    }
  }
  return found;
}

function hasBigint(checker: ts.TypeChecker, type: ts.Type, seen: Set<ts.Type>): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  if (type.isUnionOrIntersection()) return type.types.some((each) => hasBigint(checker, each, seen));
  if ((type.flags & ts.TypeFlags.Object) === 0) return false;
  if (type.isClass() || ((type.symbol as ts.Symbol | undefined)?.flags ?? 0) & ts.SymbolFlags.Class)
    return false;
  // Of promises, lists and iterables: what they are of.
  const inner = [...checker.getTypeArguments(type as ts.TypeReference)];
  if (inner.some((each) => isBigint(each) || hasBigint(checker, each, seen))) return true;
  if (isFromLibrary(type)) return false;
  return type.getProperties().some((property) => {
    const propertyType = checker.getTypeOfSymbol(property);
    if (propertyType.getCallSignatures().length > 0) return false;
    const parts = propertyType.isUnion() ? propertyType.types : [propertyType];
    return parts.some((each) => isBigint(each) || hasBigint(checker, each, seen));
  });
}

/** Whoever gets a bigint sees that it is one. */
function isPromiseOfBigint(checker: ts.TypeChecker, type: ts.Type): boolean {
  return checker.typeToString(type) === "Promise<bigint>";
}

function isBigint(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.BigIntLike) !== 0;
}

function isFromLibrary(type: ts.Type): boolean {
  const file = (type.symbol as ts.Symbol | undefined)?.declarations?.[0]?.getSourceFile().fileName;
  return file?.includes("/node_modules/") === true;
}
