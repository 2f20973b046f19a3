import { postgresType } from './postgres/index.ts'
import type { SourceType } from './type.ts'

/** Every type of source: one line a type. */
export const SOURCE_TYPES: readonly SourceType[] = [postgresType]
