import { describe, expect, test } from 'vitest';
import { compileSql, compileTemplate, SqlError } from '../../../../src/services/iot/rules/sql/index.js';
import { capabilities, message } from './run.js';

const render = (template: string, payload: unknown = {}) =>
  compileTemplate(template)(message(payload, { topic: 'my/iot/topic' }), capabilities);

describe('substitution templates', () => {
  test.each([
    ['${topic()}/republish', {}, 'my/iot/topic/republish'],
    ['${parse_time("yyyy", timestamp(), "UTC")}', {}, '2016'],
    ['device/${device_id}/${ topic(2) }', { device_id: 'd1' }, 'device/d1/iot'],
    ['${floor(timestamp() / 1E3)}', {}, '1481825251'],
    ['${a}${b}', { a: 1, b: true }, '1true'],
    ['a${missing}b', {}, 'ab'],
    ['${o}', { o: { a: [1] } }, '{"a":[1]}'],
    ['${n}', { n: null }, 'null'],
    ['${get({"a": "}"}, "a")}!', {}, '}!'],
    ['$$aws/things/x', {}, '$$aws/things/x'],
    ['$5 {a}', {}, '$5 {a}'],
    ['', {}, ''],
    ["a 'quote ${topic(1)}'", {}, "a 'quote my'"],
  ])('%s', (template, payload, expected) => {
    expect(render(template, payload)).toBe(expected);
  });

  test.each(['${', '${a', '${}', 'x${a b}', '${SELECT a}', '${@v}', '${nothing()}', "${'a}"])(
    'refuse %s',
    (template) => {
      expect(() => compileTemplate(template)).toThrow(SqlError);
    },
  );

  test('see the variables of the SET clause with the values that SELECT saw', () => {
    const statement = compileSql("SET @id = newuuid() SELECT VALUE @id FROM 'a'", '2016-03-23');
    const of = message();
    const output = statement.run(of, capabilities);
    expect(output).toMatchObject({ value: statement.template('${@id}')(of, capabilities) });
  });

  test('wait for services', async () => {
    const template = compileTemplate('${get_thing_shadow("t", "r").state.name}/${topic(1)}');
    const rendered = template(message(), {
      ...capabilities,
      getThingShadow: async () => ({ state: { name: 'n' } }),
    });
    expect(await rendered).toBe('n/things');
  });

  test('are of their rule’s version', () => {
    expect(() => compileSql("SELECT * FROM 'a'").template("${parse_time('yyyy', 0)}")).toThrow(SqlError);
  });
});
