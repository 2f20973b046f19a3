export { bytesBeyond, type Parsed } from './check.ts'
export * from './codes.ts'
export * from './frames.ts'
export { parseClientFrame, parseServerFrame } from './parse.ts'
