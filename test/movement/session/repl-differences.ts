/** What the REPL gives, what we give, and why that is meant. */
export type Difference = readonly [repl: string, session: string, reason: string]

/** Evaluations that give something else than in the REPL of Node.js, in every scope. */
export const globalDifferences: Readonly<Record<string, Difference>> = {
  'iteration: const seen = []; for await (const t of ticks(3)) seen.push(t)': [
    'undefined',
    '3',
    'A loop that waits has the value of its last round, as one that does not; the REPL gives none.',
  ],
  'iteration: for await (const t of [Promise.resolve(1), 2]) total += t': [
    'undefined',
    '3',
    'A loop that waits has the value of its last round, as one that does not; the REPL gives none.',
  ],
  'awaiting: for (let i = 0; i < 2; i++) await i': [
    'undefined',
    '1',
    'A loop that waits has the value of its last round, as one that does not; the REPL gives none.',
  ],
  'awaiting: class Later { static value = 1 } await Later.value': [
    "throws SyntaxError: Unexpected token 'return'",
    '1',
    'The rewriting in the REPL breaks on a class before an await on one line.',
  ],
  'awaiting: Later.value': [
    'throws ReferenceError: Later is not defined',
    '1',
    'The rewriting in the REPL breaks on a class before an await on one line.',
  ],
  'awaiting: await 1; let afterwards = 2': [
    'undefined',
    '1',
    'A declaration leaves the value of the statement before it, with or without await; the REPL gives none.',
  ],
  'syntax: async () => { for await (x in y) {} }': [
    "throws SyntaxError: Unexpected token 'a'",
    "throws SyntaxError: Unexpected token 'in'",
    'The REPL names another token than V8 does.',
  ],
  'objects: globalThis.o === o': [
    'false',
    'true',
    'Names of the default scope are properties of the global object: functions sent to the worker see them.',
  ],
  'objects: globalThis.n': [
    'undefined',
    '4',
    'Names of the default scope are properties of the global object: functions sent to the worker see them.',
  ],
  'objects: "o" in globalThis': [
    'false',
    'true',
    'Names of the default scope are properties of the global object: functions sent to the worker see them.',
  ],
  'modules: import fs from "node:fs"': [
    'throws SyntaxError: Cannot use import statement outside a module',
    'undefined',
    'Static imports work, and `export` is tolerated; the REPL refuses both.',
  ],
  'modules: import { join } from "node:path"; join("a", "b")': [
    'throws SyntaxError: Cannot use import statement outside a module',
    "'a/b'",
    'Static imports work, and `export` is tolerated; the REPL refuses both.',
  ],
  'modules: import * as url from "node:url"; typeof url.parse': [
    'throws SyntaxError: Cannot use import statement outside a module',
    "'function'",
    'Static imports work, and `export` is tolerated; the REPL refuses both.',
  ],
  'modules: import "node:fs"': [
    'throws SyntaxError: Cannot use import statement outside a module',
    'undefined',
    'Static imports work, and `export` is tolerated; the REPL refuses both.',
  ],
  'modules: import { nowhere } from "node:path"': [
    'throws SyntaxError: Cannot use import statement outside a module',
    "throws SyntaxError: The requested module 'node:path' does not provide an export named 'nowhere'",
    'Static imports work, and `export` is tolerated; the REPL refuses both.',
  ],
  'modules: export const exported = 1': [
    "throws SyntaxError: Unexpected token 'export'",
    'undefined',
    'Static imports work, and `export` is tolerated; the REPL refuses both.',
  ],
  'modules: export default 5': [
    "throws SyntaxError: Unexpected token 'export'",
    '5',
    'Static imports work, and `export` is tolerated; the REPL refuses both.',
  ],
  'modules: typeof module': ["'object'", "'undefined'", 'An evaluation is no CommonJS module.'],
  'redeclared: let a = 3': [
    "throws SyntaxError: Identifier 'a' has already been declared",
    'undefined',
    'Redeclaring is allowed, and functions made earlier see the new value.',
  ],
  'redeclared: readA()': ['2', '3', 'Redeclaring is allowed, and functions made earlier see the new value.'],
  'redeclared: const b = 2': [
    "throws SyntaxError: Identifier 'b' has already been declared",
    'undefined',
    'Redeclaring is allowed, and functions made earlier see the new value.',
  ],
  'redeclared: b': ['1', '2', 'Redeclaring is allowed, and functions made earlier see the new value.'],
  'redeclared: class C { v = 2 }': [
    "throws SyntaxError: Identifier 'C' has already been declared",
    'undefined',
    'Redeclaring is allowed, and functions made earlier see the new value.',
  ],
  'redeclared: new C().v': [
    '1',
    '2',
    'Redeclaring is allowed, and functions made earlier see the new value.',
  ],
  'redeclared: x = 1; let x = 2': [
    "throws ReferenceError: Cannot access 'x' before initialization",
    '1',
    'No dead zone: a name that may be redeclared is undefined before its declaration. An assignment before it counts.',
  ],
  'redeclared: typeof t1; let t1 = 1': [
    "throws ReferenceError: Cannot access 't1' before initialization",
    "'undefined'",
    'No dead zone: a name that may be redeclared is undefined before its declaration. An assignment before it counts.',
  ],
  'redeclared: later; let later = 1': [
    "throws ReferenceError: Cannot access 'later' before initialization",
    'undefined',
    'No dead zone: a name that may be redeclared is undefined before its declaration. An assignment before it counts.',
  ],
}

/** Those that differ only in named scopes and in the default scope of a worker inside the host. */
export const scopeDifferences: Readonly<Record<string, Difference>> = {
  'declarations: typeof implicit': [
    "'undefined'",
    "'number'",
    'A sloppy assignment makes a name of the scope, not of the global object, so deleting it there does nothing.',
  ],
  'functions: if (true) { function inBlock() { return "block" } }': [
    '[Function: inBlock]',
    'undefined',
    'V8 takes a function in a block for its value; here the block has none.',
  ],
  'redeclared: var NaN = 1; NaN': ['NaN', '1', 'Nothing is frozen in a scope of its own.'],
  'strict: "use strict"; function sf() { return this } sf()': [
    'undefined',
    '[Object: null prototype] { st: 1, sf: [Function: sf] }',
    '`with` gives the scope object as `this` to a function that is called by its name.',
  ],
}

/** Those of the first table that do not differ in such scopes. */
export const notInScopes: readonly string[] = [
  'objects: globalThis.o === o',
  'objects: globalThis.n',
  'objects: "o" in globalThis',
]
