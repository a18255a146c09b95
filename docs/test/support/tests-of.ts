import ts from "typescript";

const NAMES: ReadonlySet<string | undefined> = new Set(["it", "test", "describe"]);

export interface WrittenTest {
  readonly title: string;
  /** The test as it is written, with the table it is run for each row of. */
  readonly text: string;
}

/**
 * The tests, and groups of tests, in the text of a test file that are run: not what stands in a comment, nor what is skipped, by itself or with the
 * `describe` around it.
 */
export function testsOf(source: string): readonly WrittenTest[] {
  const file = ts.createSourceFile("a.test.ts", source, ts.ScriptTarget.Latest, true);
  const found: WrittenTest[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { name, modifiers, table } = calleeOf(node.expression);
      const title = node.arguments[0];
      if (modifiers.includes("skip") || modifiers.includes("todo")) return;
      if (NAMES.has(name) && title !== undefined && ts.isStringLiteralLike(title))
        found.push({ title: title.text, text: node.getText() + tableText(file, table) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

interface Callee {
  readonly name: string | undefined;
  readonly modifiers: readonly string[];
  /** What stands in the parentheses of `it.each(…)`. */
  readonly table: ts.Expression | undefined;
}

/** `it`, `it.skip`, `it.each(table)`: the first name, and what follows it. */
function calleeOf(expression: ts.Expression): Callee {
  if (ts.isIdentifier(expression)) return { name: expression.text, modifiers: [], table: undefined };
  if (ts.isPropertyAccessExpression(expression)) {
    const { name, modifiers, table } = calleeOf(expression.expression);
    return { name, modifiers: [...modifiers, expression.name.text], table };
  }
  if (ts.isCallExpression(expression))
    return { ...calleeOf(expression.expression), table: expression.arguments[0] };
  return { name: undefined, modifiers: [], table: undefined };
}

/** Of a table that has a name, what it is. */
function tableText(file: ts.SourceFile, table: ts.Expression | undefined): string {
  if (table === undefined || !ts.isIdentifier(table)) return "";
  const declared = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations])
    .find(({ name }) => name.getText() === table.text);
  return declared?.getText() ?? "";
}
