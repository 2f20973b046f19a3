import { type Logger, pino } from 'pino'

export type { Logger }

/** A JSON logger on standard output; `level` is one of trace, debug, info, warn, error. */
export function createLogger(role: string, level: string): Logger {
  return pino(
    {
      level,
      base: { role },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: ['password', '*.password', 'token', '*.token'], censor: '***' },
    },
    pino.destination({ dest: 1, sync: true }),
  )
}

/** A logger that writes nothing, for tests and one-shot commands. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' })
}
