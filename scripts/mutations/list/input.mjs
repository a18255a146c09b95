/** G10: bad input is refused at once. */
export const input = [
  {
    name: "unknown-option-ignored",
    harm: "A misspelt option has no effect, and nobody says so.",
    file: "packages/core/src/util/validate.ts",
    find: "if (!known.includes(name)) {",
    replace: "if (known.length === 0) {",
    tests: [{ file: "packages/core/test/bad-input.test.ts", title: "an operation with call options" }],
  },
];
