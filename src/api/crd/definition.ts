import { z } from 'zod'

import type { Rule } from './schema.ts'
import { type Schema, structural } from './structural.ts'

/** API group of every kind. */
export const GROUP = 'penstock.dev'
/** The one version, served and stored. */
export const VERSION = 'v1alpha1'
/** `apiVersion` of every object. */
export const API_VERSION = `${GROUP}/${VERSION}`

/** A column of `kubectl get`; priority 1 shows with `-o wide`. */
export interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'date'
  readonly jsonPath: string
  readonly priority?: 0 | 1
  readonly description?: string
}

/** A kind: everything that its CRD is made from. */
export interface KindDefinition {
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly description: string
  readonly maxNameLength: number
  readonly spec: z.ZodType
  readonly status: z.ZodType
  readonly columns: readonly Column[]
  /** JSON paths that `--field-selector` takes. */
  readonly selectableFields: readonly string[]
}

/** The columns READY and REASON, which every kind begins with. */
export const READY_COLUMNS: readonly Column[] = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
]

/** The column AGE, which every kind ends with. */
export const AGE_COLUMN: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }

/** The CustomResourceDefinition of a kind, as a plain object. */
export function customResourceDefinition(definition: KindDefinition): Record<string, unknown> {
  const { kind, plural, singular, shortNames } = definition
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}`, annotations: { 'helm.sh/resource-policy': 'keep' } },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind,
        plural,
        singular,
        listKind: `${kind}List`,
        shortNames: [...shortNames],
        categories: ['penstock'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns.map((column) => ({ ...column })),
          selectableFields: definition.selectableFields.map((jsonPath) => ({ jsonPath })),
          schema: { openAPIV3Schema: rootSchema(definition) },
        },
      ],
    },
  }
}

/** The schema of a whole object. No rule stands at the root: a later, tighter one would block status writes and finalizers of existing objects. */
export function rootSchema(definition: KindDefinition): Schema {
  return {
    type: 'object',
    description: definition.description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: {
        type: 'object',
        properties: {
          name: { type: 'string', maxLength: 253, 'x-kubernetes-validations': nameRules(definition) },
        },
      },
      spec: structuralOf(definition.spec, 'spec'),
      status: structuralOf(definition.status, 'status'),
    },
  }
}

function nameRules({ maxNameLength }: KindDefinition): readonly Rule[] {
  return [
    {
      rule: `self.size() <= ${maxNameLength}`,
      message: `the name is longer than ${maxNameLength} characters: topics and other things outside are named after it`,
      reason: 'FieldValueForbidden',
    },
    {
      rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
      message: 'the name must be a DNS label: a-z, 0-9 and -, without dots',
      reason: 'FieldValueForbidden',
    },
  ]
}

function structuralOf(schema: z.ZodType, path: string): Schema {
  const json = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
    unrepresentable: 'throw',
  })
  return structural(json as Schema, path)
}
