import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSql } from '../../../../src/services/iot/rules/sql/index.js';
import { capabilities, evaluate, message, outgoing } from './run.js';

/** Rows: an expression, and the value that the AWS IoT developer guide says it has ("Functions"). */
type Rows = readonly (readonly [expression: string, value: unknown])[];

const numbers: Rows = [
  ['abs(-5)', 5],
  ['abs("-5.123")', 5.123],
  ['abs(true)', undefined],
  ['abs(null)', undefined],
  ['abs([1])', undefined],
  ['acos(0)', 1.570_796_326_794_896_6],
  ['acos(2)', undefined],
  ['asin(0)', 0],
  ['asin(2)', undefined],
  ['atan(0)', 0],
  ['atan2(1, 0)', 1.570_796_326_794_896_6],
  ['atan2("1", 0)', 1.570_796_326_794_896_6],
  ['atan2(true, 0)', undefined],
  ['bitand(13, 5)', 5],
  ['bitand(13.9, "5.5")', 5],
  ['bitor(8, 5)', 13],
  ['bitor(true, 5)', undefined],
  ['bitxor(13, 5)', 8],
  ['bitnot(13)', -14],
  ['ceil(1.2)', 2],
  ['ceil(-1.2)', -1],
  ['ceil(true)', undefined],
  ['cos(0)', 1],
  ['cosh(2.3)', 5.037_220_649_268_761],
  ['exp(1)', Math.E],
  ['exp(false)', undefined],
  ['floor(1.2)', 1],
  ['floor(-1.2)', -2],
  ['floor("1.9")', 1],
  ['ln(1)', 0],
  ['ln(0)', undefined],
  ['log(100)', 2],
  ['log("x")', undefined],
  ['mod(8, 3)', 2],
  ['mod(8, 0)', undefined],
  ['mod(-8, 3)', -2],
  ['Nanvl(8, 3)', 8],
  ['nanvl(missing, 3)', 3],
  ['nanvl(null, 3)', 3],
  ['nanvl("text", 3)', 'text'],
  ['power(2, 5)', 32],
  ['power(-1, 0.5)', undefined],
  ['remainder(8, 3)', 2],
  ['Round(1.2)', 1],
  ['Round(1.5)', 2],
  ['Round(1.7)', 2],
  ['Round(-1.1)', -1],
  ['Round(-1.5)', -2],
  ['round("x")', undefined],
  ['sign(-7)', -1],
  ['sign(0)', 0],
  ['sign(13)', 1],
  ['sign("-0.5")', -1],
  ['sin(0)', 0],
  ['sinh(2.3)', 4.936_961_805_545_957],
  ['sqrt(9)', 3],
  ['sqrt(-1)', undefined],
  ['tan(3)', -0.142_546_543_074_277_8],
  ['tanh(2.3)', 0.980_096_396_266_191_4],
  ['trunc(2.3, 0)', 2],
  ['trunc(2.3123, 2)', 2.31],
  ['trunc(2.888, 2)', 2.88],
  ['trunc(2.00, 5)', 2],
  ['trunc(-2.888, 1)', -2.8],
  ['trunc(2.888, -1)', 2],
  ['trunc("2.888", 40)', 2.888],
  ['trunc(2.888, "2")', undefined],
];

const strings: Rows = [
  ['chr(65)', 'A'],
  ['chr(49)', '1'],
  ['chr("65.9")', 'A'],
  ['chr(200)', undefined],
  ['chr(true)', undefined],
  ['concat()', undefined],
  ['concat(1)', '1'],
  ['concat([1, 2, 3], 4)', [1, 2, 3, 4]],
  ['concat([1, 2, 3], "hello")', [1, 2, 3, 'hello']],
  ['concat("con", "cat")', 'concat'],
  ['concat(1, "hello")', '1hello'],
  ['concat("he","is","man")', 'heisman'],
  ['concat([1, 2, 3], "hello", [4, 5, 6])', [1, 2, 3, 'hello', 4, 5, 6]],
  ['concat(1, 2)', undefined],
  ['concat("a", missing)', undefined],
  ['endswith("cat","at")', true],
  ['endswith("cat","ta")', false],
  ['endswith(123, 23)', true],
  ['endswith("cat", null)', undefined],
  ['indexof("abcd", "bc")', 1],
  ['indexof("abcd", "x")', -1],
  ['length("hi")', 2],
  ['length(false)', 5],
  ['length(null)', undefined],
  ['lower("HELLO")', 'hello'],
  ['lower(["HELLO"])', '["hello"]'],
  ['lpad("hello", 2)', '  hello'],
  ['lpad(1, 3)', '   1'],
  ['lpad("a", -3)', 'a'],
  ['lpad("a", "1.9")', ' a'],
  ['lpad("a", true)', undefined],
  ['length(lpad("", 5000))', 1000],
  ['Ltrim(" h i ")', 'h i '],
  ['numbytes("hi")', 2],
  ['numbytes("€")', 3],
  ['replace("abcd", "bc", "x")', 'axd'],
  ['replace("abcdabcd", "b", "x")', 'axcdaxcd'],
  ['replace(121, 1, 3)', '323'],
  ['replace(null, 1, 3)', undefined],
  ['rpad("hello", 2)', 'hello  '],
  ['rpad(1, 3)', '1   '],
  ['rtrim(" h i ")', ' h i'],
  ['startswith("ranger","ran")', true],
  ['startswith("ranger","an")', false],
  ['startswith(missing,"an")', undefined],
  ['substring("012345", 0)', '012345'],
  ['substring("012345", 2)', '2345'],
  ['substring("012345", 2.745)', '2345'],
  ['substring(123, 2)', '3'],
  ['substring("012345", -1)', '012345'],
  ['substring(true, 1.2)', 'rue'],
  ['substring(false, -2.411E247)', 'false'],
  ['substring("012345", 1, 3)', '12'],
  ['substring("012345", -50, 50)', '012345'],
  ['substring("012345", 3, 1)', ''],
  ['substring("012345", 3, missing)', undefined],
  ['Trim(" hi ")', 'hi'],
  ['upper("hello")', 'HELLO'],
  ['upper(["hello"])', '["HELLO"]'],
  ['upper(missing)', undefined],
];

const expressions: Rows = [
  ['regexp_matches("aaaa", "a{2,}")', true],
  ['regexp_matches("aaaa", "b")', false],
  ['regexp_matches("AAAA", "(?i)a")', true],
  ['regexp_matches("a", "(")', undefined],
  ['regexp_matches("É", "^\\p{Lu}$")', true],
  ['regexp_matches("a", concat("a+", "+"))', undefined],
  ['regexp_matches("a-b", "^[\\w+*-]+$")', true],
  ['regexp_matches(123, "^\\d+$")', true],
  ['regexp_matches(null, "n")', undefined],
  ['regexp_replace("abcd", "bc", "x")', 'axd'],
  ['regexp_replace("abcd", "b(.*)d", "$1")', 'ac'],
  ['regexp_replace("a.b.c", "\\.", "$")', undefined],
  ['regexp_replace("abcd", "b", "$2")', undefined],
  ['regexp_replace("aXbX", "X", "-")', 'a-b-'],
  ['regexp_substr("hihihello", "hi")', 'hi'],
  ['regexp_substr("hihihello", "(hi)*")', 'hihi'],
  ['regexp_substr("hello", "x")', undefined],
];

const hashes: Rows = [
  ['md2("hello")', 'a9046c73e00331af68917d3804f70655'],
  ['md2("")', '8350e5a3e24c153df2275c9f80692773'],
  ['md2("abcdefghijklmnopqrstuvwxyz")', '4e8ddff3650292ab5a4108c3aa47940b'],
  ['md5("hello")', '5d41402abc4b2a76b9719d911017c592'],
  ['sha1("hello")', 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d'],
  ['sha224("")', 'd14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f'],
  ['sha256("hello")', '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'],
  ['length(sha384("x"))', 96],
  ['length(sha512(1))', 128],
  ['md5(null)', undefined],
];

const data: Rows = [
  ['get(["a", "b", "c"], 1)', 'b'],
  ['get(["a", "b", "c"], "1")', 'b'],
  ['get(["a", "b", "c"], 3)', undefined],
  ['get(["a", "b", "c"], -1)', undefined],
  ['get({"a":"b"}, "a")', 'b'],
  ['get({"a":"b"}, "constructor")', undefined],
  ['get({"1":"b"}, 1)', undefined],
  ['get("abc", 1)', 'b'],
  ['get("abc", true)', undefined],
  ['get(12, 1)', undefined],
  ['encode("hello", "base64")', 'aGVsbG8='],
  ['encode({"a": 1}, "base64")', Buffer.from('{"a":1}').toString('base64')],
  ['encode("hello", "hex")', undefined],
  ['decode("aGVsbG8=", "base64")', 'hello'],
  ['decode("eyAidGVtcGVyYXR1cmUiOiAzMyB9Cg==","base64").temperature', 33],
  ['decode("****", "base64")', null],
  ['decode(5, "base64")', null],
  ['get_or_default(missing, 7)', 7],
  ['get_or_default(null, 7)', 7],
  ['get_or_default(1, 7)', 1],
  ['get_or_default(missing)', undefined],
  ['isNull(5)', false],
  ['isNull(Null)', true],
  ['isNull(missing)', false],
  ['isUndefined(5)', false],
  ['isUndefined(null)', false],
  ['isUndefined(floor([1,2,3]))', true],
  ['transform("other", {"a": 1}, [])', undefined],
  ['transform("enrichArray", {"a": 1}, [1])', undefined],
];

const casts: Rows = [
  ['cast(true as Int)', 1],
  ['cast(false as decimal)', 0],
  ['cast(1.9 as Int)', 1],
  ['cast(-1.5 as Integer)', -2],
  ['cast("5E-1" as Double)', 0.5],
  ['cast("5e2" as Int)', 500],
  ['cast("x" as Int)', undefined],
  ['cast([1] as Decimal)', undefined],
  ['cast(0 as Boolean)', false],
  ['cast(-0.1 as Bool)', true],
  ['cast("TRUE" as Boolean)', true],
  ['cast("yes" as Boolean)', undefined],
  ['cast(5 as String)', '5'],
  ['cast(0.00000001 as text)', '1E-8'],
  ['cast(1e30 as varchar)', '1000000000000000019884624838656'],
  ['cast(true as nvarchar)', 'true'],
  ['cast([1, "a", null] as ntext)', '[1,"a",null]'],
  ['cast({"a": true} as string)', '{"a":true}'],
  ['cast(null as string)', undefined],
];

const times: Rows = [
  [
    `parse_time("yyyy.MM.dd G 'at' HH:mm:ss z", 100000000, "America/Belize")`,
    '1970.01.01 AD at 21:46:40 CST',
  ],
  ['parse_time("yyyy", timestamp(), "UTC")', '2016'],
  [`parse_time("yyyy-MM-dd'T'HH:mm:ss.SSSZZ", 1700000000123)`, '2023-11-14T22:13:20.123+00:00'],
  ['parse_time("EEEE, MMM d, yy h:mm a", 1700000000123)', 'Tuesday, Nov 14, 23 10:13 PM'],
  ['parse_time("yyyyMMdd HHmm Z", 1700000000123, "Europe/Paris")', '20231114 2313 +0100'],
  ['parse_time("x-w-e D", 1609459200000)', '2020-53-5 1'],
  ['parse_time("HH:mm z", 1720000000000, "Europe/Paris")', '11:46 CEST'],
  ['parse_time("z zzzz", 0, "America/New_York")', 'EST Eastern Standard Time'],
  ['parse_time("z zzzz", 0)', 'UTC Coordinated Universal Time'],
  ["parse_time(\"hh 'o''clock'\", 0)", "12 o'clock"],
  ['parse_time("HH:mm ZZZ", 0, "+05:30")', '05:30 +05:30'],
  ['parse_time("yyyy", 0, "Nowhere/Land")', undefined],
  ['parse_time("q", 0)', undefined],
  ['parse_time("yyyy", "x")', undefined],
  ['time_to_epoch("2020-04-03 09:45:18 UTC+01:00", "yyyy-MM-dd HH:mm:ss VV")', 1_585_903_518_000],
  ['time_to_epoch("18 December 2015", "dd MMMM yyyy")', 1_450_396_800_000],
  [
    'time_to_epoch("2007-12-03 10:15:30.592 America/Los_Angeles", "yyyy-MM-dd HH:mm:ss.SSS z")',
    1_196_705_730_592,
  ],
  [`time_to_epoch("2023-11-14T22:13:20Z", "yyyy-MM-dd'T'HH:mm:ssX")`, 1_700_000_000_000],
  [`time_to_epoch("20231114 231320+0100", "yyyyMMdd HHmmssZ")`, 1_700_000_000_000],
  ['time_to_epoch("2023-11-14 10:13:20 PM", "yyyy-MM-dd hh:mm:ss a")', 1_700_000_000_000],
  ['time_to_epoch("2021-02-31", "yyyy-MM-dd")', Date.UTC(2021, 1, 28)],
  ['time_to_epoch("2021-13-01", "yyyy-MM-dd")', undefined],
  ['time_to_epoch("nope", "yyyy-MM-dd")', undefined],
  ['time_to_epoch("2021-01-01 more", "yyyy-MM-dd")', undefined],
];

const aboutMessage: Rows = [
  ['accountid()', '123456789012'],
  ['clientid()', 'client-1'],
  ['principal()', 'ba67293af50bf2506f5f93469686da660c7c844e7b3950bfb16813e0d31e9373'],
  ['sql_version()', '2016-03-23'],
  ['timestamp()', 1_481_825_251_155],
  ['timestamp ( )', 1_481_825_251_155],
  ['topic()', 'things/myThings/thingOne'],
  ['topic(1)', 'things'],
  ['topic(3)', 'thingOne'],
  ['topic("2")', 'myThings'],
  ['topic(4)', undefined],
  ['topic(0)', undefined],
  ['topic(1, 2)', undefined],
  ['sourceip()', undefined],
];

describe.each([
  ['numbers', numbers],
  ['text', strings],
  ['regular expressions', expressions],
  ['hashes', hashes],
  ['values', data],
  ['cast', casts],
  ['times', times],
  ['the message', aboutMessage],
])('functions of %s', (_, rows) => {
  test.each(rows)('%s', (expression, value) => {
    expect(evaluate(expression)).toEqual(value);
  });
});

describe('functions of the message', () => {
  test('topic() does not give the prefix of Basic Ingest', () => {
    const topic = '$aws/rules/BuildingManager/Buildings/Building5/Floor2/Room201/Lights';
    expect(evaluate('topic()', message({}, { topic }))).toBe('Buildings/Building5/Floor2/Room201/Lights');
    expect(evaluate('topic(3)', message({}, { topic }))).toBe('Floor2');
    expect(evaluate('topic()', message({}, { topic: '$aws/rules/BuildingManager' }))).toBe('');
  });

  test('a message that did not come over MQTT has no client id and no trace id', () => {
    const http = message({}, { clientId: undefined });
    expect(evaluate('clientid()', http)).toBe('n/a');
    expect(evaluate('traceid()', http)).toBeUndefined();
  });

  test('traceid() is one UUID for a message, newuuid() another each time', () => {
    const of = message();
    expect(evaluate('traceid()', of)).toMatch(/^[0-9a-f-]{36}$/);
    expect(evaluate('traceid()', of)).toBe(evaluate('traceid()', of));
    expect(evaluate('newuuid() = newuuid()', of)).toBe(false);
  });

  test('rand() is between 0 and 1', () => {
    const value = evaluate('rand()');
    expect(value).toBeGreaterThanOrEqual(0);
    expect(value).toBeLessThan(1);
  });

  test('MQTT 5 properties', () => {
    const of = message(
      {},
      {
        sourceIp: '10.1.2.3',
        properties: {
          contentType: 'text/plain',
          payloadFormatIndicator: 1,
          responseTopic: 'r/t',
          correlationData: Buffer.from('cid'),
          userProperties: [
            ['k', 'v1'],
            ['o', 'ov'],
            ['k', 'v2'],
          ],
        },
      },
    );
    expect(evaluate("get_mqtt_property('content_type')", of)).toBe('text/plain');
    expect(evaluate("get_mqtt_property('format_indicator')", of)).toBe('UTF8_DATA');
    expect(evaluate("get_mqtt_property('format_indicator')")).toBe('UNSPECIFIED_BYTES');
    expect(evaluate("get_mqtt_property('response_topic')", of)).toBe('r/t');
    expect(evaluate("get_mqtt_property('correlation_data')", of)).toBe('Y2lk');
    expect(evaluate("get_mqtt_property('garbage')", of)).toBeUndefined();
    expect(evaluate("get_user_properties('k')", of)).toEqual(['v1', 'v2']);
    expect(evaluate("get_user_properties('none')", of)).toBeUndefined();
    expect(evaluate('get_user_properties()', of)).toEqual([{ k: 'v1' }, { o: 'ov' }, { k: 'v2' }]);
    expect(evaluate('sourceip()', of)).toBe('10.1.2.3');
  });
});

test('time_to_epoch() reads what parse_time() writes', () => {
  const zone = fc.constantFrom(
    'UTC',
    'Europe/Zurich',
    'America/New_York',
    'Asia/Kolkata',
    '+05:30',
    'UTC-03:00',
  );
  const pattern = fc.constantFrom(
    "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    'EEE, d MMM yyyy hh:mm:ss.SSS a Z',
    "EEEE MMMM dd yyyy 'at' kk:mm:ss.SSS Z",
    'yyyy D H m s.SSS Z',
  );
  const instant = fc.integer({ min: Date.UTC(1970, 0, 2), max: Date.UTC(2099, 0) });
  const sql = 'SELECT VALUE time_to_epoch(parse_time(pattern, instant, zone), pattern)';
  const statement = compileSql(sql, '2016-03-23');
  fc.assert(
    fc.property(zone, pattern, instant, (...[zone, pattern, instant]) => {
      const output = statement.run(message({ zone, pattern, instant }), capabilities);
      expect(output).toMatchObject({ value: instant });
    }),
    { numRuns: 300 },
  );
});

describe('transform', () => {
  const payload = { attributes: { data1: 1, data2: 2 }, values: [{ a: 3 }, { b: 4 }, { c: 5 }] };

  test('adds members to each object of an array', () => {
    expect(evaluate('transform("enrichArray", attributes, values)', message(payload))).toEqual([
      { a: 3, data1: 1, data2: 2 },
      { b: 4, data1: 1, data2: 2 },
      { c: 5, data1: 1, data2: 2 },
    ]);
    expect(evaluate('transform("enrichArray", {"key": attributes.data1}, values)', message(payload))).toEqual(
      [
        { a: 3, key: 1 },
        { b: 4, key: 1 },
        { c: 5, key: 1 },
      ],
    );
  });

  test('takes nested queries', () => {
    const nested = {
      data2: { a: 'first', b: 'second', c: [{ y: true }, { y: false }], d: 1 },
    };
    const sql =
      "select value transform('enrichArray', (select a, b from data2), (select value c from data2)) from 'A/B'";
    expect(JSON.parse(outgoing(sql, nested) ?? '')).toEqual([
      { y: true, a: 'first', b: 'second' },
      { y: false, a: 'first', b: 'second' },
    ]);
  });
});

describe('functions that ask services', () => {
  test('aws_lambda gets JSON, and its answer is looked into', async () => {
    const calls: unknown[] = [];
    const statement = compileSql(
      "SELECT aws_lambda('arn:f', {'payload': attribute1}).some.value AS output, newuuid() AS id FROM 'a'",
      '2016-03-23',
    );
    let uuids = 0;
    const output = await statement.run(message({ attribute1: 21 }), {
      accountId: '1',
      newUuid: () => {
        uuids += 1;
        return String(uuids);
      },
      invokeLambda: async (arn, input) => {
        calls.push([arn, input]);
        return { some: { value: 'x' } };
      },
    });
    expect(output?.value).toEqual({ output: 'x', id: '1' });
    expect(calls).toEqual([['arn:f', { payload: 21 }]]);
  });

  test('what one answers is asked of the next, and nothing is asked twice', async () => {
    const asked: unknown[] = [];
    const statement = compileSql(
      `SELECT aws_lambda('g', {'id': newuuid(), 'of': get_thing_shadow('t', 's', 'role').state}) AS g
       FROM 'a' WHERE get_thing_shadow('t', 'role').on = true`,
      '2016-03-23',
    );
    let uuids = 0;
    const output = await statement.run(message(), {
      accountId: '1',
      newUuid: () => {
        uuids += 1;
        return String(uuids);
      },
      getThingShadow: async (thing, roleArn, shadowName) => {
        asked.push([thing, roleArn, shadowName]);
        return { on: true, state: 5 };
      },
      invokeLambda: async (_, input) => ({ got: input }),
    });
    expect(output?.value).toEqual({ g: { got: { id: '1', of: 5 } } });
    expect(asked).toEqual([
      ['t', 'role', undefined],
      ['t', 'role', 's'],
    ]);
  });

  test('a service that fails makes the statement fail', async () => {
    const statement = compileSql("SELECT aws_lambda('f', 1) FROM 'a'", '2016-03-23');
    await expect(statement.run(message(), capabilities)).rejects.toThrow('aws_lambda() is not available');
    const invokeLambda = () => Promise.reject(new RangeError('down'));
    await expect(statement.run(message(), { ...capabilities, invokeLambda })).rejects.toThrow('down');
  });
});

test.each([
  'concat(X, X, X, X)',
  'X + X + X + X',
  "replace(X, 'a', 'aaaaaaaa')",
  "regexp_replace(X, 'a', '$0$0$0$0')",
])('no text grows without end: %s', (expression) => {
  const steps = [1, 2, 3, 4].map((step) => `@v${step} = ${expression.replaceAll('X', `@v${step - 1}`)}`);
  const sql = `SET @v0 = text, ${steps.join(', ')} SELECT VALUE @v4 FROM 'a'`;
  const statement = compileSql(sql, '2016-03-23');
  expect(statement.run(message({ text: 'a' }), capabilities)).not.toMatchObject({ value: undefined });
  expect(statement.run(message({ text: 'a'.repeat(100_000) }), capabilities)).toMatchObject({
    value: undefined,
  });
});

test('a hostile text cannot make a regular expression run for long', () => {
  const of = message({ text: `${'a'.repeat(5000)}!` });
  expect(evaluate("regexp_matches(text, '(a+)+$')", of)).toBeUndefined();
  expect(evaluate("regexp_matches(text, '(a|a)*$')", of)).toBeUndefined();
  expect(evaluate("regexp_substr(text, '(.*)(.*)(.*)(.*)=x')", of)).toBeUndefined();
  expect(evaluate("regexp_replace(text, '((a?)*)*$', '')", of)).toBeUndefined();
  // Too much for the stack.
  const long = message({ text: 'ab'.repeat(3_000_000) });
  expect(evaluate("regexp_matches(text, '^(?:(a|b)|c)*$')", long)).toBeUndefined();
  // However many texts there are.
  const many = message({ list: Array.from({ length: 10_000 }, () => ({ text: `${'a'.repeat(40)}!` })) });
  const sql = "SELECT VALUE (SELECT VALUE regexp_matches(text, '(a+)+$') FROM list) FROM 'a'";
  expect(compileSql(sql, '2016-03-23').run(many, capabilities)).toMatchObject({ value: [] });
  // Guarded, and quick all the same.
  expect(evaluate("regexp_matches(text, '^(?:a+b?)+!$')", message({ text: 'aab!' }))).toBe(true);
});
