import { z } from 'zod'

/** A CEL rule of a CRD. `reason` decides how kubectl prints it; Forbidden and Required print without noise. */
export interface Rule {
  readonly rule: string
  readonly message: string
  readonly messageExpression?: string
  readonly fieldPath?: string
  readonly reason?: 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueInvalid'
}

const VALIDATIONS = 'x-kubernetes-validations'

/** Adds CEL rules to a schema. Put it last: zod's extend and partial drop them. */
export function rules<T extends z.ZodType>(schema: T, ...more: readonly Rule[]): T {
  const meta = schema.meta() ?? {}
  const before = (meta[VALIDATIONS] ?? []) as readonly Rule[]
  return schema.meta({ ...meta, [VALIDATIONS]: [...before, ...more] })
}

/** A list whose items merge by these fields (list-type map); its order means nothing. */
export function keyed<T extends z.ZodObject>(
  item: T,
  max: number,
  ...keys: readonly (keyof T['shape'] & string)[]
) {
  return z
    .array(item)
    .max(max)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [...keys] })
}

/** A list of different scalars (list-type set). */
export function setOf<T extends z.ZodType>(item: T, max: number) {
  return z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'set' })
}

/** A list that is replaced as a whole and keeps its order. */
export function sequence<T extends z.ZodType>(item: T, max: number) {
  return z.array(item).max(max).meta({ 'x-kubernetes-list-type': 'atomic' })
}

/** A map of at most `max` entries. */
export function mapOf<T extends z.ZodType>(value: T, max: number) {
  return z.record(z.string(), value).meta({ maxProperties: max })
}

/** A value that people write as a number or as text, such as 2048 or "2048". */
export function intOrString() {
  return z.union([z.int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true })
}

/** An object whose fields are someone else's, kept as they are. */
export function foreignObject() {
  return z.record(z.string(), z.unknown()).meta({ 'x-kubernetes-preserve-unknown-fields': true })
}

/** Text of at most `max` characters. */
export function text(max: number) {
  return z.string().max(max)
}

/** Adds the sentence that `kubectl explain` shows. */
export function explained<T extends z.ZodType>(schema: T, description: string): T {
  return schema.meta({ ...schema.meta(), description })
}

/**
 * Rules of a union `type` + an object named after it in lower case: exactly the named one is there.
 * `optional` names types whose object may be left out.
 */
export function unionRules(types: readonly string[], optional: readonly string[] = []): readonly Rule[] {
  return types.flatMap((type): Rule[] => {
    const member = type.toLowerCase()
    const needed: Rule = {
      rule: `self.type != '${type}' || has(self.${member})`,
      message: `type ${type} needs the object ${member}`,
      fieldPath: `.${member}`,
      reason: 'FieldValueRequired',
    }
    const alone: Rule = {
      rule: `self.type == '${type}' || !has(self.${member})`,
      message: `${member} goes with type ${type} only`,
      messageExpression: `'${member} goes with type ${type} only, and type is ' + self.type`,
      fieldPath: `.${member}`,
      reason: 'FieldValueForbidden',
    }
    return optional.includes(type) ? [alone] : [needed, alone]
  })
}

/** Exactly one of these fields of an object. */
export function exactlyOne(what: string, fields: readonly string[]): Rule {
  return {
    rule: `[${fields.map((field) => `has(self.${field})`).join(', ')}].exists_one(x, x)`,
    message: `${what} has exactly one of ${fields.join(', ')}`,
    reason: 'FieldValueForbidden',
  }
}

/** A field below `spec` that never changes, counting "not set" as a value. Belongs on `spec`, which is always there. */
export function immutable(path: string, remedy: string): Rule {
  return {
    rule: `${valueAt('self', path)} == ${valueAt('oldSelf', path)}`,
    message: `${path} cannot change: ${remedy}`,
    fieldPath: `.${path}`,
    reason: 'FieldValueForbidden',
  }
}

function valueAt(object: string, path: string): string {
  const parts = path.split('.')
  const present = parts.map((_, index) => `has(${object}.${parts.slice(0, index + 1).join('.')})`)
  return `(${present.join(' && ')} ? ${object}.${path} : '')`
}
