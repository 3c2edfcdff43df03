// Requests and answers by an OpenAPI document, for tests that know nothing of the routes but what it says.
import fc from 'fast-check';
import { z } from 'zod';

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly examples?: readonly unknown[];
}

interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
  readonly examples?: unknown;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'method' | 'path'>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      ...operation,
      parameters: operation.parameters ?? [],
      method: method.toUpperCase(),
      path,
    })),
  );
}

/** Whether a value is as the document says; a sentence where it is not. */
export function validatorOf(document: Document): (schema: JsonSchema, value: unknown) => string | null {
  // Where zod looks for what is named.
  const atHome = (schema: object) => JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/'));
  const $defs = atHome(document.components.schemas);
  const known = new Map<JsonSchema, z.ZodType>();
  return (schema, value) => {
    const validator = known.get(schema) ?? z.fromJSONSchema({ ...atHome(schema), $defs });
    known.set(schema, validator);
    const { error } = validator.safeParse(value);
    return error === undefined ? null : z.prettifyError(error);
  };
}

/** Values that the schema allows; those that it gives as examples more often. */
export function valuesOf(document: Document, schema: JsonSchema): fc.Arbitrary<unknown> {
  const { $ref, anyOf, type, examples = [] } = schema;
  const given = examples.map((example) => fc.constant(example));
  if ($ref !== undefined) {
    const named = document.components.schemas[$ref.split('/').at(-1) ?? ''];
    if (named === undefined) throw new Error(`${$ref} leads nowhere`);
    return valuesOf(document, named);
  }
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = anyOf?.map((one) => valuesOf(document, one)) ?? [];
  const types = type === undefined ? [] : [type].flat();
  const made = types.map((one): fc.Arbitrary<unknown> => {
    if (one === 'null') return fc.constant(null);
    if (one === 'boolean') return fc.boolean();
    if (one === 'array') return fc.array(valuesOf(document, schema.items ?? {}), { maxLength: 3 });
    if (one === 'object') return objectsOf(document, schema);
    if (one === 'integer' || one === 'number')
      return fc.integer({ min: schema.minimum ?? -10, max: Math.min(schema.maximum ?? 300, 10_000) });
    if (schema.format === 'date-time') return fc.date({ noInvalidDate: true }).map((at) => at.toISOString());
    return schema.pattern === undefined ? fc.string({ maxLength: 30 }) : fc.stringMatching(new RegExp(schema.pattern));
  });
  const all = [...choices, ...made];
  if (given.length > 0) return fc.oneof(...given.map((arbitrary) => ({ arbitrary, weight: 4 })), ...all);
  return all.length === 0 ? fc.jsonValue() : fc.oneof(...all);
}

function objectsOf(document: Document, { properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(([name, one]) => [name, valuesOf(document, one)] as const);
  const requiredKeys = required.filter((name) => Object.hasOwn(properties, name));
  return fc.record(Object.fromEntries(fields), { requiredKeys });
}
