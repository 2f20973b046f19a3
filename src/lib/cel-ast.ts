import type { ASTNode } from '@marcbachmann/cel-js'

/** What an expression reads of a variable: these fields, or all of it. */
export type Reads = ReadonlySet<string> | 'all'

/** Macros that evaluate an expression once for each element. */
const COMPREHENSIONS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])

/** Whether this node goes through a list. */
export function isComprehension(node: ASTNode): boolean {
  return node.op === 'rcall' && COMPREHENSIONS.has(node.args[0])
}

/** Every node, with the number of comprehensions whose body it stands in. */
export function* walk(
  node: ASTNode,
  depth = 0,
): Generator<{ readonly node: ASTNode; readonly depth: number }> {
  yield { node, depth }
  if (node.op === 'rcall') {
    const [, receiver, args] = node.args
    yield* walk(receiver, depth)
    const inside = isComprehension(node) ? depth + 1 : depth
    for (const arg of args) yield* walk(arg, inside)
    return
  }
  for (const child of children(node.args)) yield* walk(child, depth)
}

/** The fields that an expression names of a variable. */
export function readsOf(ast: ASTNode, variable: string): Reads {
  const fields = new Set<string>()
  let uses = 0
  for (const { node } of walk(ast)) {
    if (node.op === 'id' && node.args === variable) uses += 1
    const field = fieldOf(node, variable)
    if (field === undefined) continue
    fields.add(field)
    uses -= 1
  }
  return uses === 0 ? fields : 'all'
}

/** `name` when the node is `variable.name`. */
export function fieldOf(node: ASTNode, variable: string): string | undefined {
  if (node.op !== '.') return undefined
  const [object, name] = node.args
  return object.op === 'id' && object.args === variable ? name : undefined
}

/** Puts `replacement()` in the place of every literal null below a node. */
export function replaceNulls(node: ASTNode, replacement: () => ASTNode): void {
  const inList = (list: unknown[]): void => {
    for (const [at, item] of list.entries()) {
      if (Array.isArray(item)) inList(item)
      else if (isNode(item) && item.op === 'value' && item.args === null) list[at] = replacement()
      else if (isNode(item)) replaceNulls(item, replacement)
    }
  }
  const args: unknown = node.args
  if (Array.isArray(args)) inList(args)
  else if (isNode(args)) replaceNulls(args, replacement)
}

function* children(args: unknown): Generator<ASTNode> {
  if (Array.isArray(args)) for (const item of args) yield* children(item)
  else if (isNode(args)) yield args
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}
