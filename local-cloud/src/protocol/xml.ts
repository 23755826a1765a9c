import type { NormalizedSchema } from '@smithy/core/schema';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { AwsError } from '../errors.js';
import { scalarFromText, scalarToText, TimestampFormat } from './scalars.js';

/**
 * Writes the members of a structure as XML elements, without an element around them (REST XML and AWS query
 * protocols, Smithy 2.0).
 */
export function structToXml(
  schema: NormalizedSchema,
  value: Record<string, unknown>,
  include: (member: NormalizedSchema) => boolean = () => true,
): string {
  let xml = '';
  for (const [name, member] of schema.structIterator()) {
    const item = value[name];
    if (item === undefined || item === null || !include(member)) continue;
    if (member.getMergedTraits().xmlAttribute) continue;
    const tag = member.getMemberTraits().xmlName ?? name;
    xml += memberToXml(member, item, tag);
  }
  return xml;
}

/** Writes a value as an element of that name. */
export function element(tag: string, content: string, attributes = ''): string {
  return `<${tag}${attributes}>${content}</${tag.split(' ')[0]}>`;
}

/** Writes one value of a member: an element, or several for a flattened list or map. */
export function memberToXml(schema: NormalizedSchema, value: unknown, tag: string): string {
  const traits = schema.getMergedTraits();
  if (schema.isListSchema()) {
    const itemSchema = schema.getValueSchema();
    const itemTag = traits.xmlFlattened ? tag : (itemSchema.getMergedTraits().xmlName ?? 'member');
    const items = (value as unknown[]).map((item) => memberToXml(itemSchema, item, itemTag)).join('');
    return traits.xmlFlattened ? items : element(tag, items);
  }
  if (schema.isMapSchema()) {
    const keyTag = schema.getKeySchema().getMergedTraits().xmlName ?? 'key';
    const valueTag = schema.getValueSchema().getMergedTraits().xmlName ?? 'value';
    const entries = Object.entries(value as object).map(
      ([name, item]) =>
        element(keyTag, escapeXml(name)) + memberToXml(schema.getValueSchema(), item, valueTag),
    );
    return traits.xmlFlattened
      ? entries.map((entry) => element(tag, entry)).join('')
      : element(tag, entries.map((entry) => element('entry', entry)).join(''));
  }
  if (schema.isStructSchema()) {
    const struct = value as Record<string, unknown>;
    return element(tag, structToXml(schema, struct), attributesOf(schema, struct));
  }
  return element(tag, escapeXml(scalarToText(schema, value, TimestampFormat.dateTime)));
}

/** Attributes of an element: those members of its structure, and its namespace (the grantee type of S3). */
function attributesOf(schema: NormalizedSchema, value: Record<string, unknown>): string {
  let attributes = '';
  const namespace: unknown = schema.getMergedTraits().xmlNamespace;
  if (Array.isArray(namespace)) {
    const [prefix, uri] = namespace as [string | undefined, string];
    attributes += ` xmlns${prefix ? `:${prefix}` : ''}="${escapeXml(uri)}"`;
  }
  for (const [name, member] of schema.structIterator()) {
    const traits = member.getMergedTraits();
    if (!traits.xmlAttribute || value[name] === undefined) continue;
    attributes += ` ${traits.xmlName ?? name}="${escapeXml(String(value[name]))}"`;
  }
  return attributes;
}

/** Escapes text for an element's content or an attribute's value. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\u0085\u2028]/g, (character) => {
    switch (character) {
      case '&':
        return '&amp;';
      case '<':
        return '&lt;';
      case '>':
        return '&gt;';
      case '"':
        return '&quot;';
      case "'":
        return '&apos;';
      default:
        return `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`;
    }
  });
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  processEntities: true,
  // Every element becomes a list, so that one and many items read alike.
  isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
});

type XmlNode = Record<string, unknown>;

/**
 * Reads a structure from an XML document whose root element holds its members.
 *
 * @throws AwsError `MalformedXML` when the text is no XML or has another shape than the model says.
 */
export function structFromXml(schema: NormalizedSchema, text: string): Record<string, unknown> {
  if (XMLValidator.validate(text) !== true) throw malformed();
  let document: unknown;
  try {
    document = parser.parse(text);
  } catch {
    throw malformed();
  }
  const root = Object.entries(document as XmlNode).find(
    ([name]) => !name.startsWith('?') && name !== '#text',
  );
  const node = Array.isArray(root?.[1]) ? root[1][0] : undefined;
  return readStruct(schema, node);
}

function readStruct(schema: NormalizedSchema, node: unknown): Record<string, unknown> {
  if (typeof node === 'string' && node.trim() === '') return {};
  if (typeof node !== 'object' || node === null) throw malformed();
  const result: Record<string, unknown> = {};
  for (const [name, member] of schema.structIterator()) {
    const traits = member.getMergedTraits();
    const tag = member.getMemberTraits().xmlName ?? name;
    const found = (node as XmlNode)[traits.xmlAttribute ? `@${tag}` : tag];
    if (found === undefined) continue;
    result[name] = traits.xmlAttribute ? found : readMember(member, found as unknown[], name);
  }
  return result;
}

function readMember(schema: NormalizedSchema, nodes: unknown[], where: string): unknown {
  const flattened = schema.getMergedTraits().xmlFlattened;
  if (schema.isListSchema()) {
    const itemSchema = schema.getValueSchema();
    const items = flattened ? nodes : childrenOf(nodes[0], itemSchema.getMergedTraits().xmlName ?? 'member');
    return items.map((item) => readMember(itemSchema, [item], where));
  }
  if (schema.isMapSchema()) {
    const result: Record<string, unknown> = {};
    for (const entry of flattened ? nodes : childrenOf(nodes[0], 'entry')) {
      const [name] = childrenOf(entry, schema.getKeySchema().getMergedTraits().xmlName ?? 'key');
      const value = childrenOf(entry, schema.getValueSchema().getMergedTraits().xmlName ?? 'value');
      if (typeof name !== 'string' || value.length === 0) throw malformed();
      result[name] = readMember(schema.getValueSchema(), value, where);
    }
    return result;
  }
  if (schema.isStructSchema()) return readStruct(schema, nodes[0]);
  const text = typeof nodes[0] === 'object' ? (nodes[0] as XmlNode)['#text'] : nodes[0];
  return scalarFromText(schema, String(text ?? ''), TimestampFormat.dateTime, where);
}

function childrenOf(node: unknown, tag: string): unknown[] {
  if (typeof node === 'string' && node.trim() === '') return [];
  if (typeof node !== 'object' || node === null) throw malformed();
  const children = (node as XmlNode)[tag];
  return Array.isArray(children) ? children : [];
}

function malformed(): AwsError {
  return new AwsError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );
}
