import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Session } from '../../../src/movement/session/session.ts'

// Where declarations, `await`, semicolons and line ends meet. [sources, what the last gives]
const rows: [sources: string[], outcome: string][] = [
  [['let x1\n/re/g\n;await 0; x1'], 'undefined'],
  [['await 0; { var z1\n/a/g.test("a") }'], 'true'],
  [['let a1 = 1\r\nlet b1 = await 2\r\na1 + b1'], '3'],
  [['1 let u = 2 await u'], '2'],
  [['export default async function () {}'], '[AsyncFunction (anonymous)]'],
  [['export default function () {}\n(1)'], '1'],
  [['class A1 {}\n/x/g.source'], "'x'"],
  [['lab: function lf() { return 1 }', 'lf()'], '1'],
  [['for (var fx of await [1, 2]) ;', 'fx'], '2'],
  [['for await (var fy of [1, 2]) ;', 'fy'], '2'],
  [['for await (var {fz, q = 3} of [{fz:1}]) ;', '[fz,q]'], '[ 1, 3 ]'],
  [['var {va = await 1} = {}; va'], '1'],
  [['if (1) { var [d1, {d2}] = await [1,{d2:2}] }', '[d1,d2]'], '[ 1, 2 ]'],
  [['let [e1] = await [1], e2; [e1,e2]'], '[ 1, undefined ]'],
  [['if (await 1) function ff1() { return 1 }', 'ff1()'], '1'],
  [['let async = 1; await 0; async'], '1'],
  [['const { c1 } = await { c1: 1 }; c1 = 1'], 'throws TypeError: Assignment to constant variable.'],
  [['const c2 = await 1', 'c2 = 5'], 'throws TypeError: Assignment to constant variable.'],
  [['let sq = await 1; (sq, 2)'], '2'],
  [['(await 1, 2)'], '2'],
  [['await 1, 2, 3'], '3'],
  [['{ await 1; (1, 2), 3 };'], '3'],
  [['var let1 = 1; let1'], '1'],
  [['do var dv = await 1; while (0)', 'dv'], '1'],
  [['try { await nope } catch ({ message }) { var cm = message }', 'cm'], "'nope is not defined'"],
  [['switch (await 1) { case 1: { let y = 5; y } }'], '5'],
  [['await 1\n// c'], '1'],
  [['await 1 /* c */ ;'], '1'],
  [['let cmt = await 1 // c\ncmt'], '1'],
  [['const fn = async () => await 1 // c\nawait fn()'], '1'],
  [['new class { x = 1 }'], '{ x: 1 }'],
  [['`${await 1}`'], "'1'"],
  [['import.meta'], "throws SyntaxError: Cannot use 'import.meta' outside a module (cell:1:8)"],
  [['import { sep } from "path"; sep + 1; export { sep }'], "'/1'"],
  [['var sep2 = 1; import { sep as sep2b } from "path"; sep2'], '1'],
  [['let g1 = 1; function g2() { return g1 } await g2()'], '1'],
  [['class K { m() { return K } } await new K().m() === K'], 'true'],
  [['async function* ag() { yield 1 } for await (const i of ag()) i'], '1'],
  [['let self = await 1, self2 = () => self2; self2() === self2'], 'true'],
  [['const rec = await (async () => () => rec)(); rec() === rec'], 'true'],
  [['arguments'], 'throws ReferenceError: arguments is not defined'],
  [['await arguments'], 'throws ReferenceError: arguments is not defined'],
  [['new.target'], 'throws SyntaxError: new.target expression is not allowed here (cell:1:5)'],
  [
    ['let { a: { b: deep } = {}, ...others } = await { a: { b: 1 }, z: 2 }; [deep, others]'],
    '[ 1, { z: 2 } ]',
  ],
  [['"use strict"; let su = 1; await su; su'], '1'],
  [['"use strict"; class SC { x = 1 } new SC()', 'new SC().x'], '1'],
  [['"use strict"; function sfn() { return 5 } sfn()', 'sfn()'], '5'],
  [['"use strict"; for (var sv = 0; sv < 2; sv++) ; sv'], '2'],
  [['"use strict"; const [sd] = [1]; sd', 'sd'], '1'],
  [['"use strict"; const fnx = () => 1; fnx.name'], "'fnx'"],
  [['"use strict"; (function () {}).name'], "''"],
  [['"use strict"; await 1, 5'], '5'],
  [['eval("1+1")'], '2'],
  [['var ev = 1; eval("ev = 2"); ev'], '2'],
  [['let ge = 1; function gf() { return eval("ge") } gf()'], '1'],
  [['function toStringMe() { return 1 } toStringMe.toString()'], "'function toStringMe() { return 1 }'"],
  [['function rec1(n) { return n ? rec1(n-1) : rec1.name } rec1(2)'], "'rec1'"],
  [['for (const c3 = 1; ;) { c3 = 2 }'], 'throws TypeError: Assignment to constant variable.'],
  [['const c4 = 1; { let c4 = 2; c4 = 3; c4 };'], '3'],
  [['const c5 = {}; c5.x = 1; c5'], '{ x: 1 }'],
  [['const fnc = function fnc() { fnc = 1; return typeof fnc }; fnc()'], "'function'"],
  [['var hh = 0; hh ||= await 5; hh'], '5'],
  [['let lz; lz ??= 4; lz'], '4'],
  [['label1: { await 1; break label1 }'], '1'],
  [['while (true) { await 0; break }'], '0'],
  [['if (await 0) 1'], 'undefined'],
  [['throw await 1'], 'throws 1'],
  [['var { x: xx, ...rest1 } = { x: 1, y: 2 }; rest1'], '{ y: 2 }'],
  [['for (var of of [1]) of'], '1'],
  [['for (var in1 in { a: 1 }) in1'], "'a'"],
  [['function f3() {} ; f3 = 5; f3'], '5'],
  [['class f4 {}; f4 = 6; f4'], '6'],
  [['let \\u0061bc = 1; abc'], '1'],
  [['const \\u0061bcd = 1; abcd = 2'], 'throws TypeError: Assignment to constant variable.'],
]

async function outcomeOf(session: Session, source: string, scope: string | undefined): Promise<string> {
  try {
    return inspect(await session.evaluate({ source, filename: 'cell', scope }))
  } catch (error) {
    return `throws ${error instanceof Error ? error.stack?.split('\n')[0] : inspect(error)}`
  }
}

describe.each([
  ['global', 'global', undefined],
  ['own', 'own', undefined],
  ['named', 'own', 'a'],
] as const)('in scope %s', (_, defaultScope, scope) => {
  test.each(rows)('%j gives %s', async (sources, outcome) => {
    const session = new Session({ defaultScope })
    let last: string | undefined
    for (const source of sources) last = await outcomeOf(session, source, scope)
    for (const { name } of session.names(scope)) session.delete(name, scope)
    expect(last).toBe(outcome)
  })
})
