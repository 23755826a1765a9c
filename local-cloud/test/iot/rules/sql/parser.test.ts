import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type {
  BinaryOperator,
  Expression,
  Selection,
  StatementSyntax,
} from '../../../../src/services/iot/rules/sql/ast.js';
import { compileSql, compileTemplate, SqlError } from '../../../../src/services/iot/rules/sql/index.js';
import { parseStatement } from '../../../../src/services/iot/rules/sql/parser.js';
import { printStatement } from './print.js';
import { capabilities, message } from './run.js';

const name = fc.constantFrom('a', 'b', 'temperature', 'value', 'set', 'topic', 'été');
const text = fc.string({
  unit: fc.constantFrom('a', "'", '"', '\\', ' ', '}', '$', 'é', '😀'),
  maxLength: 5,
});
const position = fc.constant(0);
const operator = fc.constantFrom<BinaryOperator>(
  'OR',
  'AND',
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  '+',
  '-',
  '*',
  '/',
  '%',
);

const { expression, selection } = fc.letrec<{ expression: Expression; selection: Selection }>((tie) => {
  const inner = tie('expression') as fc.Arbitrary<Expression>;
  const few = (least = 0) => fc.array(inner, { minLength: least, maxLength: 3 });
  const kind = <K extends string>(value: K) => fc.constant(value);
  const query = fc.record({
    kind: kind('query'),
    selection: tie('selection') as fc.Arbitrary<Selection>,
    from: inner,
    where: fc.option(inner, { nil: undefined }),
    position,
  });
  return {
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.record({ kind: kind('name'), name }),
      fc.record({
        kind: kind('literal'),
        value: fc.oneof(fc.constantFrom(null, true, false), fc.nat(), text),
      }),
      fc.constant({ kind: 'star' } as const),
      fc.record({ kind: kind('variable'), name: fc.constantFrom('x', 'y_1'), position }),
      fc.record({ kind: kind('member'), object: inner, name: text }),
      fc.record({ kind: kind('index'), object: inner, index: inner }),
      fc.record({ kind: kind('call'), name: fc.constantFrom('f', 'topic', 'Upper'), args: few(), position }),
      fc.record({ kind: kind('cast'), value: inner, type: fc.constantFrom('Int', 'string'), position }),
      fc.record({ kind: kind('not'), operand: inner }),
      fc.record({ kind: kind('negative'), operand: fc.record({ kind: kind('name'), name }) }),
      fc.record({ kind: kind('binary'), operator, left: inner, right: inner }),
      fc.record({ kind: kind('in'), value: inner, candidates: few(1), list: fc.constant(true) }),
      fc.record({ kind: kind('exists'), query }),
      fc.record({
        kind: kind('case'),
        subject: fc.option(inner, { nil: undefined }),
        branches: fc.array(fc.record({ when: inner, result: inner }), { minLength: 1, maxLength: 2 }),
        otherwise: fc.option(inner, { nil: undefined }),
      }),
      fc.record({ kind: kind('array'), items: few(), position }),
      fc.record({
        kind: kind('object'),
        members: fc.array(fc.tuple(text, inner), { maxLength: 3 }),
        position,
      }),
      query,
    ),
    selection: fc.oneof(
      fc.record({ kind: kind('value'), value: fc.record({ kind: kind('array'), items: few(), position }) }),
      fc.record({
        kind: kind('items'),
        items: fc.array(
          fc.record({
            value: fc.oneof(
              { weight: 5, arbitrary: inner },
              { weight: 1, arbitrary: fc.record({ kind: kind('members'), object: inner, position }) },
            ),
            alias: fc.option(fc.array(text, { minLength: 1, maxLength: 2 }), { nil: undefined }),
            source: fc.constant(''),
          }),
          { minLength: 1, maxLength: 3 },
        ),
      }),
    ),
  };
});

const statement: fc.Arbitrary<StatementSyntax> = fc.record({
  variables: fc.array(fc.record({ name: fc.constantFrom('x', 'y_1'), value: expression, position }), {
    maxLength: 2,
  }),
  selection,
  topicFilter: fc.constantFrom(undefined, 'a', 'a/+/c', '$aws/things/+/shadow/#'),
  where: fc.option(expression, { nil: undefined }),
});

/** Syntax without its places in the text. */
function withoutPlaces(syntax: unknown): unknown {
  return JSON.parse(
    JSON.stringify(syntax, (key, value) => (key === 'position' || key === 'source' ? undefined : value)),
  );
}

describe('the parser', () => {
  test('reads what is printed as what it was', () => {
    fc.assert(
      fc.property(statement, (syntax) => {
        const sql = printStatement(syntax);
        expect(withoutPlaces(parseStatement(sql)), sql).toEqual(withoutPlaces(syntax));
      }),
      { numRuns: 500 },
    );
  });

  const word = fc.constantFrom(
    ...'SELECT VALUE FROM WHERE AS AND OR NOT IN EXISTS CASE WHEN THEN ELSE END NULL TRUE SET @x cast topic'.split(
      ' ',
    ),
    ...'* ( ) [ ] { } , . = <> < + - / % : ; \' " \\ $ # ${ 1 2.5 1e5 a b \'a/+\' "text" topic(1) encode( decode( get('.split(
      ' ',
    ),
  );
  const words = fc.array(word, { maxLength: 25 }).map((parts) => parts.join(' '));
  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    words,
    words.map((rest) => `SELECT ${rest}`),
    words.map((rest) => `SELECT ${rest} FROM 'a' WHERE ${rest}`),
  );

  test('compiles any text, or refuses it with an SqlError', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom('2015-10-08', '2016-03-23'), (sql, version) => {
        for (const compile of [
          () => compileSql(sql, version),
          () => compileTemplate(`a\${${sql}}`, version),
        ]) {
          try {
            compile();
          } catch (error) {
            expect(error).toBeInstanceOf(SqlError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('what compiles also runs', () => {
    fc.assert(
      fc.property(anything, fc.json(), (sql, payload) => {
        let compiled: ReturnType<typeof compileSql>;
        try {
          compiled = compileSql(sql, '2016-03-23');
        } catch {
          return;
        }
        const output = compiled.run(message(Buffer.from(payload)), capabilities);
        if (!(output instanceof Promise))
          expect(output?.payload ?? Buffer.alloc(0)).toBeInstanceOf(Uint8Array);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('any payload', () => {
  const statements = [
    "SELECT * FROM 'a'",
    "SELECT *, topic(2) AS t, timestamp() AS ts FROM 'a' WHERE a > 1 OR isUndefined(a)",
    "SELECT a, b.c, a + b AS s, a / b AS q, a % b AS m, -a AS n FROM 'a'",
    "SELECT VALUE a FROM 'a' WHERE NOT isNull(a)",
    "SELECT encode(*, 'base64') AS e, decode(a, 'base64') AS d FROM 'a'",
    "SELECT (SELECT VALUE c FROM a WHERE c > 0) AS q, get(a, 0) AS g, a[b] AS i FROM 'a'",
    "SELECT upper(a) AS u, lpad(a, b) AS l, substring(a, b) AS s, concat(a, b) AS c, replace(a, b, a) AS r FROM 'a'",
    "SELECT regexp_matches(a, b) AS m, regexp_substr(b, a) AS s, regexp_replace(a, '[a-z]+', b) AS r FROM 'a'",
    "SELECT parse_time(a, b, a) AS p, time_to_epoch(a, b) AS t, trunc(a, b) AS n, power(a, b) AS w FROM 'a'",
    "SELECT transform('enrichArray', a, b) AS t, cast(a AS Int) AS i, cast(b AS Boolean) AS l FROM 'a'",
    "SELECT a AS x.y, b AS x.z, {'a': a, 'b': [b, *]} AS o FROM 'a'",
    "SELECT CASE a WHEN b THEN 1 END AS c, a IN (1, b) AS i, a IN b AS j, a = b AS e FROM 'a'",
    "SELECT bitand(a, b) AS x, bitnot(a) AS n, chr(a) AS c, md2(a) AS m, sha256(b) AS s, atan2(a, b) AS t FROM 'a'",
  ].map((sql) => compileSql(sql, '2016-03-23'));

  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      'yyyy-MM-dd',
      '2020-01-01',
      'UTC',
      '(a+)+$',
      '[',
      '\\',
      '$1',
      'YQ==',
      '__proto__',
      '1e400',
      '-0',
    ),
    fc.double(),
    fc.integer(),
  );
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.json().map((json) => Buffer.from(json)),
    fc
      .record({ a: value, b: value }, { requiredKeys: [] })
      .map((object) => Buffer.from(JSON.stringify(object))),
  );

  test('is looked at without an error', () => {
    fc.assert(
      fc.property(payload, (bytes) => {
        const of = message(bytes);
        for (const compiled of statements) {
          const output = compiled.run(of, capabilities);
          if (output === undefined || output instanceof Promise) continue;
          const { payload: outgoing, value: result } = output;
          // What goes out is what the value says.
          if (outgoing !== bytes) expect(Buffer.from(outgoing).toString()).toBe(JSON.stringify(result) ?? '');
        }
      }),
      { numRuns: 700 },
    );
  });
});
