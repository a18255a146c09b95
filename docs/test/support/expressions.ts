import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** What is wrong with each of these expressions, if anything: names that are not there, options that nobody takes. */
export function problemsOf(
  expressions: readonly string[],
  { imports, values }: { readonly imports: string; readonly values: string },
): readonly string[] {
  const lines = expressions.map((each) => `void (${each});`);
  const file = `${root}docs/test/expressions-of-a-page.ts`;
  const prelude = `${imports}\n${values}\n`;
  const known = new Set(namesDeclared(prelude));
  const filledIn = [...new Set(lines.flatMap(valuesGiven))].filter((name) => !known.has(name));
  const declared = `declare const ${filledIn.map((name) => `${name}: any`).join(", ")};`;
  const source = `${prelude}${declared}\n${lines.join("\n")}`;

  const { config } = ts.readConfigFile(`${root}tsconfig.base.json`, (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const settings = { ...options, composite: false, incremental: false, noEmit: true, noUnusedLocals: false };
  const host = ts.createCompilerHost(settings);
  host.readFile = (path) => (path === file ? source : ts.sys.readFile(path));
  host.fileExists = (path) => path === file || ts.sys.fileExists(path);
  const program = ts.createProgram([file], settings, host);
  const written = program.getSourceFile(file);
  const all = [...program.getSyntacticDiagnostics(written), ...program.getSemanticDiagnostics(written)];
  return all.map(({ start = 0, messageText }) => {
    const line = source.slice(source.lastIndexOf("\n", start) + 1).split("\n", 1)[0];
    return `${line} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

function namesDeclared(text: string): readonly string[] {
  return collect(text, (node) =>
    (ts.isImportSpecifier(node) || ts.isVariableDeclaration(node)) && ts.isIdentifier(node.name)
      ? [node.name.text]
      : [],
  );
}

/** The names given as arguments, or as options, in which the reader's own values stand. */
function valuesGiven(text: string): readonly string[] {
  return collect(text, (node) => {
    if (ts.isShorthandPropertyAssignment(node)) return [node.name.text];
    if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return [];
    return (node.arguments ?? []).flatMap((each) => (ts.isIdentifier(each) ? [each.text] : []));
  });
}

function collect(text: string, namesOf: (node: ts.Node) => readonly string[]): readonly string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    names.push(...namesOf(node));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("a.ts", text, ts.ScriptTarget.Latest, true));
  return names;
}
