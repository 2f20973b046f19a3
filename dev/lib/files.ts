import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

/** The last `count` lines of a text file, or a note that there is none. */
export async function lastLines(path: string, count: number): Promise<string> {
  const text = await readTail(path, count * 400).catch(() => `(no ${path})`)
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

async function readTail(path: string, bytes: number): Promise<string> {
  await using file = await open(path)
  const { size } = await file.stat()
  const { buffer, bytesRead } = await file.read({
    buffer: Buffer.alloc(bytes),
    position: Math.max(0, size - bytes),
  })
  return buffer.toString('utf8', 0, bytesRead)
}

/** The bytes of a file from an offset on, as text. */
export async function readFrom(path: string, offset: number): Promise<string> {
  return (await readFile(path)).subarray(offset).toString('utf8')
}

/** Twelve hex digits that change when the content of a file does, or its name below one of the folders. */
export async function hashOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const root of paths) {
    for (const file of (await filesBelow(root)).sort()) {
      hash
        .update(`${relative(root, file)}\0`)
        .update(await readFile(file))
        .update('\0')
    }
  }
  return hash.digest('hex').slice(0, 12)
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch((error) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return []
    throw error
  })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return entries.length > 0 ? files : [root]
}

/** Writes a file so that a reader sees either the old content or the new, never a part. */
export async function writeAtomically(path: string, content: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const fresh = join(dirname(path), `.${process.pid}-${Date.now()}.tmp`)
  await writeFile(fresh, content, { mode })
  await rename(fresh, path).catch(async (error) => {
    await rm(fresh, { force: true })
    throw error
  })
}
