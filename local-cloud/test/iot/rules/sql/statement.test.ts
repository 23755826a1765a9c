import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSql, prepareMessage, SqlError } from '../../../../src/services/iot/rules/sql/index.js';
import { capabilities, evaluate, message, outgoing, run } from './run.js';

/** The examples of the AWS IoT developer guide, "AWS IoT SQL reference". */
describe('SELECT', () => {
  const colored = { color: 'red', temperature: 50 };
  const sensors = {
    e: [
      { n: 'temperature', u: 'Cel', t: 1234, v: 22.5 },
      { n: 'light', u: 'lm', t: 1235, v: 135 },
      { n: 'acidity', u: 'pH', t: 1235, v: 7 },
    ],
  };
  const rows: readonly (readonly [sql: string, payload: unknown, outgoing: unknown])[] = [
    ["SELECT * FROM 'a/b'", colored, colored],
    ["SELECT color FROM 'a/b'", colored, { color: 'red' }],
    ["select color as my_color from 'a/b'", colored, { my_color: 'red' }],
    ["SELECT color as c, temperature as fahrenheit FROM 'a/b'", colored, { c: 'red', fahrenheit: 50 }],
    ["SELECT *, 15 as speed FROM 'a/b'", colored, { ...colored, speed: 15 }],
    ["SELECT *, 15 as color FROM 'a/b'", colored, { color: 15, temperature: 50 }],
    ["SELECT VALUE color FROM 'a/b'", colored, 'red'],
    ["SELECT color.red as red_value FROM 'a/b'", { color: { red: 255 } }, { red_value: 255 }],
    [
      "SELECT (temperature - 32) * 5 / 9 AS celsius, upper(color) as my_color FROM 'a/b'",
      colored,
      { celsius: 10, my_color: 'RED' },
    ],
    ["SELECT foo.bar AS bar.baz FROM 'a/b'", { foo: { bar: 'RED', bar1: 'GREEN' } }, { bar: { baz: 'RED' } }],
    [
      "SELECT true AS state.reported.on, n AS state.reported.n FROM 'a/b'",
      { n: 1 },
      { state: { reported: { on: true, n: 1 } } },
    ],
    ["SELECT *, 1 AS a.c FROM 'a/b'", { a: { b: 0 } }, { a: { b: 0, c: 1 } }],
    ["SELECT a.b.c, topic(1) FROM 'a/b'", { a: { b: { c: 1 } } }, { c: 1, topic: 'things' }],
    ["SELECT missing, NULL AS n FROM 'a/b'", {}, { n: null }],
    ["SELECT * AS payload, topic(2) AS thing FROM 'a/+'", colored, { payload: colored, thing: 'myThings' }],
    ["SELECT {'message': *, } AS m FROM 'a'", colored, { m: { message: colored } }],
    ["SELECT VALUE arr FROM 'topic'", { a: { b: 'c' }, arr: [1, 2, 3, 4] }, [1, 2, 3, 4]],
    ["SELECT * FROM 'a'", [1, { a: 2 }], [1, { a: 2 }]],
    ["SELECT get(*, 1).a FROM 'a'", [1, { a: 2 }], { a: 2 }],
    ["SELECT list[1].a AS a, list[5] AS none FROM 'a'", { list: [1, { a: 2 }] }, { a: 2 }],
    [`SELECT a."b c".d FROM 'a'`, { a: { 'b c': { d: 1 } } }, { d: 1 }],
    [
      `SELECT get(get(get(mydata,"item2"),"0"),"my-key") AS v FROM 'iot/rules'`,
      { mydata: { item2: { '0': { 'my-key': 'myValue' } } } },
      { v: 'myValue' },
    ],
    ["SELECT value, value.x AS x, value * 2 AS y FROM 'a'", { value: 4 }, { value: 4, y: 8 }],
    ["SELECT value FROM 'a'", { value: 4 }, { value: 4 }],
    ["SELECT VALUE value FROM 'a'", { value: 4 }, 4],
    ["SELECT VALUE [value, 1] FROM 'a'", { value: 4 }, [4, 1]],
    [
      "SELECT {'latitude': get(lat_long, 0),'longitude':get(lat_long, 1)} as lat_long FROM 'a'",
      { lat_long: [47.606, -122.332] },
      { lat_long: { latitude: 47.606, longitude: -122.332 } },
    ],
    [
      "SELECT [lat,long] as lat_long FROM 'a'",
      { lat: 47.696, long: -122.332 },
      { lat_long: [47.696, -122.332] },
    ],
    ["SELECT (SELECT VALUE n FROM e) as s FROM 'a'", sensors, { s: ['temperature', 'light', 'acidity'] }],
    ["SELECT (SELECT v FROM e WHERE n = 'temperature') as t FROM 'a'", sensors, { t: [{ v: 22.5 }] }],
    ["SELECT get((SELECT v FROM e WHERE n = 'temperature'), 0).v as t FROM 'a'", sensors, { t: 22.5 }],
    ["SELECT (SELECT * FROM e WHERE v > 100) as t FROM 'a'", sensors, { t: [sensors.e[1]] }],
    ["SELECT (SELECT a FROM missing) as t FROM 'a'", sensors, {}],
    [
      "SELECT CASE color WHEN 'green' THEN 'go' WHEN 'red' THEN 'stop' ELSE 'x' END as i FROM 'a'",
      colored,
      { i: 'stop' },
    ],
    ["SELECT CASE missing WHEN 1 THEN 2 ELSE 3 END as i FROM 'a'", colored, {}],
    ["SELECT CASE WHEN temperature > 40 THEN 'hot' ELSE 'cold' END as i FROM 'a'", colored, { i: 'hot' }],
    ["SELECT CASE color WHEN 1 THEN 2 END as i FROM 'a'", colored, {}],
    [
      "SET @c = (f - 32) * 5 / 9, @d = @c + 1 SELECT @c AS c, @d AS d, h FROM 'a' WHERE @d > 5",
      { f: 50, h: 60 },
      { c: 10, d: 11, h: 60 },
    ],
    [
      "SET @s = d.sensors SELECT @s.t AS t, @s.h FROM 'a'",
      { d: { sensors: { t: 75, h: 60 } } },
      { t: 75, h: 60 },
    ],
    ["SELECT a.b.*, 1 AS x FROM 'a'", { a: { b: { x: 0, y: 2 } } }, { x: 1, y: 2 }],
    ["SELECT a.* AS c, missing.*, d.* FROM 'a'", { a: { x: 0 }, d: 1 }, { c: { x: 0 } }],
    [
      "SELECT (SELECT o.* FROM list) AS l FROM 'a'",
      { list: [{ o: { p: 1 } }, { o: 2 }] },
      { l: [{ p: 1 }, {}] },
    ],
    ["SELECT __proto__ AS p, constructor, toString AS t FROM 'a'", {}, {}],
  ];

  test.each(rows)('%s', (sql, payload, expected) => {
    expect(JSON.parse(outgoing(sql, payload) ?? 'undefined')).toEqual(expected);
  });

  test('Undefined by itself is no bytes', () => {
    expect(outgoing("SELECT VALUE missing FROM 'a'")).toBe('');
  });

  test('* gives the payload as it came', () => {
    const bytes = Buffer.from('{ "big": 12345678901234567890 }');
    expect(run("SELECT * FROM 'a'", message(bytes))?.payload).toBe(bytes);
  });

  test('a payload is read once, however many rules look at it', () => {
    const of = prepareMessage(message({ list: [1] }));
    const [first, second] = [1, 2].map(() => run("SELECT VALUE list FROM 'a'", of)?.value);
    expect(first).toBe(second);
  });
});

describe('operators', () => {
  const rows: readonly (readonly [expression: string, value: unknown])[] = [
    ['true AND true', true],
    ['true AND "FALSE"', false],
    ['true AND 1', undefined],
    ['true AND missing', undefined],
    ['missing AND false', false],
    ['true OR missing', true],
    ['isUndefined(missing) OR missing <> 1', true],
    ['NOT (missing OR false)', undefined],
    ['false OR "True"', true],
    ['false OR null', undefined],
    ['NOT false', true],
    ['NOT "true"', false],
    ['NOT 0', undefined],
    ['NOT NOT true', true],
    ['2 > 1', true],
    ['"2" > 1', true],
    ['"a" > 1', undefined],
    ['null > 1', undefined],
    ['1 >= 1', true],
    ['1 < "1E1"', true],
    ['2 <= 1', false],
    ['1 <> 2', true],
    ['1 != 1', false],
    ['1 <> "1"', true],
    ['[1, {"a": 2}] = [1, {"a": 2.0}]', true],
    ['[1, 2] = [2, 1]', false],
    ['{"a": 1, "b": 2} = {"b": 2, "a": 1}', true],
    ['{"a": 1} <> {"a": 2}', true],
    ['null = null', true],
    ['null <> null', false],
    ['null = missing', undefined],
    ['missing <> 1', undefined],
    ['1 = true', false],
    ['1 + 2', 3],
    ['1 + "2"', '12'],
    ['"a" + true', 'atrue'],
    ['[1] + "a"', '[1]a'],
    ['"a" + null', undefined],
    ['"a" + missing', undefined],
    ['1 + true', undefined],
    ['0.1 + 0.2', 0.3],
    ['1.1 * 3', 3.3],
    ['0.3 - 0.1', 0.2],
    ['3 - "1"', 2],
    ['3 - "x"', undefined],
    ['2 * "2.5"', 5],
    ['7 / 2', 3],
    ['-7 / 2', -3],
    ['7 / 2.0', 3.5],
    ['7 / 2.5', 2.8],
    ['"7" / 2', 3.5],
    ['cast(7 as Decimal) / 2', 3.5],
    ['1 / 0', undefined],
    ['0.3 / 0.1', 3],
    ['7 % 3', 1],
    ['5.5 % 2', 1.5],
    ['5 % 0', undefined],
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 2 - 3', 5],
    ['1 + 1 = 2 AND 2 > 1 OR false', true],
    ['-(1 + 2)', -3],
    ['-"2"', -2],
    ['-5', -5],
    ['2 IN (1, 2)', true],
    ['2 IN [1, 3]', false],
    ['2 NOT IN (1, 3)', true],
    ['2 IN list', true],
    ['2 IN (list)', true],
    ['missing IN (1)', undefined],
    ['2 IN missing', undefined],
    ['4 IN (SELECT VALUE n FROM objects)', true],
    ['EXISTS (SELECT * FROM objects WHERE n = 4)', true],
    ['EXISTS (SELECT * FROM objects WHERE n = 5)', false],
    ["'it''s' + \" \" + 'a\\'b'", "it's a'b"],
    ["'a\\\\b\\d'", 'a\\b\\d'],
    ['1.5e3', 1500],
  ];

  test.each(rows)('%s', (expression, value) => {
    expect(evaluate(expression, message({ list: [1, 2], objects: [{ n: 4 }] }))).toEqual(value);
  });

  test('decimals are computed with their digits', () => {
    const cents = fc.integer({ min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(cents, cents, (a, b) => {
        const of = message({ a: a / 100, b: b / 100 });
        expect(evaluate('a + b', of)).toBe((a + b) / 100);
        expect(evaluate('a - b', of)).toBe((a - b) / 100);
      }),
    );
  });
});

describe('WHERE', () => {
  test.each([
    ["temperature > 50 AND color <> 'red'", false],
    ['temperature > 30', true],
    ["color = 'red'", true],
    ['missing > 1', false],
    ['missing', false],
    ['"true"', true],
    ['1', false],
    ['get_or_default(missing, 1) = 1', true],
    ['isUndefined(missing)', true],
  ])('%s', (condition, passes) => {
    const output = run(`SELECT * FROM 'a' WHERE ${condition}`, message({ color: 'red', temperature: 40 }));
    expect(output !== undefined).toBe(passes);
  });
});

describe('payloads that are not JSON', () => {
  const bytes = Buffer.from([0xff, 0x00, 0x7b]);

  test('are passed on, or encoded', () => {
    expect(run("SELECT * FROM 'a'", message(bytes))).toMatchObject({ payload: bytes, value: bytes });
    expect(
      run("SELECT encode(*, 'base64') AS data, timestamp() AS ts FROM 'a'", message(bytes))?.value,
    ).toEqual({
      data: '/wB7',
      ts: 1_481_825_251_155,
    });
    expect(run("SELECT * FROM 'a' WHERE timestamp() % 12 = 3", message(bytes))?.payload).toBe(bytes);
  });

  test.each([
    "SELECT * FROM 'a/b' WHERE device_type = 'thermostat'",
    "SELECT *, timestamp() AS timestamp FROM 'a/b'",
    "SELECT temperature FROM 'a/b'",
    "SELECT {'m': *} AS m FROM 'a/b'",
    "SELECT isUndefined(temperature) AS m FROM 'a/b'",
  ])('do not run %s', (sql) => {
    expect(run(sql, message(bytes))).toBeUndefined();
    expect(run(sql, message(new Uint8Array()))).toBeUndefined();
  });

  test('a number is no JSON document, but decode() reads it', () => {
    const sql = `SELECT decode(encode(*, 'base64'), 'base64') AS value FROM 'topic/subtopic'
      WHERE decode(encode(*, 'base64'), 'base64') > 50`;
    expect(run(sql, message(Buffer.from('80')))?.value).toEqual({ value: 80 });
    expect(run(sql, message(Buffer.from('40')))).toBeUndefined();
    expect(run("SELECT *, 1 AS one FROM 'a'", message(Buffer.from('80')))).toBeUndefined();
  });

  test('JSON that is nested very deeply is taken for bytes', () => {
    const deep = Buffer.from(`${'['.repeat(60_000)}${']'.repeat(60_000)}`);
    expect(run("SELECT {'m': *} AS m FROM 'a'", message(deep))).toBeUndefined();
    expect(run("SELECT * FROM 'a'", message(deep))?.payload).toBe(deep);
  });
});

describe('version 2015-10-08', () => {
  test('is the default', () => {
    expect(compileSql("SELECT sql_version() AS v FROM 'a'").run(message(), capabilities)).toMatchObject({
      value: { v: '2015-10-08' },
    });
  });

  test.each([
    'SELECT {"a": 1} AS a FROM \'a\'',
    "SELECT [1] AS a FROM 'a'",
    "SELECT (SELECT b FROM a) AS a FROM 'a'",
    "SELECT encode(*, 'base64') AS a FROM 'a'",
    "SELECT parse_time('yyyy', 0) AS a FROM 'a'",
    "SELECT length(a) AS a FROM 'a'",
    "SELECT cast(a AS decimal) AS a FROM 'a'",
  ])('has not: %s', (sql) => {
    expect(() => compileSql(sql)).toThrow(/2016-03-23/);
    expect(() => compileSql(sql, '2016-03-23')).not.toThrow();
    expect(() => compileSql(sql, 'beta')).not.toThrow();
  });

  test('gives no array on top', () => {
    expect(outgoing("SELECT VALUE arr FROM 'a'", { arr: [1] }, '2015-10-08')).toBe('');
  });
});

describe('the FROM clause', () => {
  test.each([
    ["SELECT * FROM 'a/+/c/#'", 'a/+/c/#'],
    ['SELECT * FROM "$aws/events/presence/connected/+"', '$aws/events/presence/connected/+'],
    [
      "SELECT * FROM '$aws/things/+/shadow/name/+/update/documents'",
      '$aws/things/+/shadow/name/+/update/documents',
    ],
    ['SELECT temp, md5(deviceid) AS hashed_id FROM topic/#', 'topic/#'],
    ['SELECT * FROM $aws/things/a/shadow/update WHERE a = 1', '$aws/things/a/shadow/update'],
    ['SELECT *', undefined],
    ['SELECT * WHERE a = 1', undefined],
  ])('%s', (sql, filter) => {
    expect(compileSql(sql).topicFilter).toBe(filter);
  });
});

describe('what is refused', () => {
  test.each([
    ['', 'Expected SELECT but found the end at line 1, column 1'],
    ['DELETE FROM a', "Expected SELECT but found 'DELETE' at line 1, column 1"],
    ['SELECT', 'Expected an expression but found the end at line 1, column 7'],
    ["SELECT FROM 'a'", "Expected an expression but found 'FROM' at line 1, column 8"],
    ["SELECT a,\n  b c FROM 'a'", "Expected FROM but found 'c' at line 2, column 5"],
    ["SELECT * FORM 'a'", 'FORM'],
    ['SELECT * FROM', 'Expected a topic filter in quotes'],
    ["SELECT * FROM 'a' WHERE", 'Expected an expression but found the end at line 1, column 24'],
    ["SELECT * FROM 'a' LIMIT 1", "Expected WHERE but found 'LIMIT'"],
    ["SELECT * FROM 'a' WHERE a = 1;", "Expected the end but found ';'"],
    ["SELECT * FROM 'a/#/b'", 'a/#/b'],
    ["SELECT * FROM ''", 'empty'],
    ["SELECT 'a FROM b", 'Text without a closing quote'],
    ["SELECT a ~ b FROM 'a'", "Unexpected character '~' at line 1, column 10"],
    ["SELECT f(1 FROM 'a'", "Expected ',' or ')' but found 'FROM'"],
    ["SELECT a.* + 1 FROM 'a'", "'.*' is only an item of a SELECT clause at line 1, column 10"],
    ["SELECT f(a.*) FROM 'a'", 'There is no function f()'],
    ["SELECT upper(a.*) FROM 'a'", "'.*' is only an item of a SELECT clause at line 1, column 16"],
    ["SELECT item2.0 FROM 'a'", "Expected a name but found '0'"],
    ["SELECT CASE a END FROM 'a'", 'Expected WHEN'],
    ["SELECT cast(a AS money) FROM 'a'", 'There is no type money to cast to'],
    ["SELECT unknown_function(1) FROM 'a'", 'There is no function unknown_function() at line 1, column 8'],
    ["SELECT get_dynamodb('t', 'k', 1, 'r') FROM 'a'", 'get_dynamodb() is not supported'],
    ["SELECT machinelearning_predict('t', 'k', 1) FROM 'a'", 'machinelearning_predict() is not supported'],
    ["SELECT get_secret('t', 'k', 'r') FROM 'a'", 'get_secret() is not supported'],
    ["SELECT get_registry_data('t', 'k', 'r') FROM 'a'", 'get_registry_data() is not supported'],
    ["SELECT decode(*, 'proto', 'b', 'k') FROM 'a'", 'protobuf is not supported'],
    [
      "SELECT decode(encode(*, 'base64'), 'proto', 'b', 'k', 'f.proto', 'M') FROM 'a'",
      'protobuf is not supported',
    ],
    ["SELECT regexp_matches(a, 'a++') AS a FROM 'a'", '++ in a regular expression is not supported'],
    ["SELECT regexp_substr(a, '\\Aa') AS a FROM 'a'", 'in a regular expression is not supported'],
    ["SELECT @x FROM 'a'", 'The variable @x is not defined at line 1, column 8'],
    ["SET @x = @x SELECT @x FROM 'a'", 'The variable @x is not defined'],
    ["SET @x = 1, @x = 2 SELECT @x FROM 'a'", 'The variable @x is already defined'],
    [`SET @${'x'.repeat(65)} = 1 SELECT 1 AS a`, 'longer than 64 characters'],
    ["SET x = 1 SELECT x FROM 'a'", 'Expected a variable'],
    [`SET ${[...Array(11).keys()].map((n) => `@v${n} = 1`)} SELECT 1 AS a`, 'at most 10 variables'],
    ["SELECT 1e999 AS a FROM 'a'", 'The number is too large'],
    [`SELECT ${'('.repeat(500)}1${')'.repeat(500)} AS a`, 'nested too deeply'],
    [`SELECT ${'(SELECT a FROM '.repeat(500)}`, 'nested too deeply'],
    [`SELECT ${'- '.repeat(5000)}a`, 'nested too deeply'],
    [`SELECT ${'NOT '.repeat(5000)}a`, 'nested too deeply'],
    [`SELECT a${'.a'.repeat(5000)}`, 'Expected a shorter path'],
    [`SELECT a${' + a'.repeat(50_000)}`, 'too long'],
  ])('%.60s', (sql, expected) => {
    let error: unknown;
    try {
      compileSql(sql, '2016-03-23');
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SqlError);
    expect(error).toMatchObject({ code: 'SqlParseException', message: expect.stringContaining(expected) });
  });

  test('tells the position', () => {
    expect(() => compileSql("SELECT a,\n b c FROM 'a'")).toThrow(expect.objectContaining({ position: 13 }));
  });
});
