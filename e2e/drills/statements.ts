/** A statement begins with its verb in capitals and ends where the sentence goes on. */
const STATEMENT = /\b(?:SELECT|ALTER|GRANT|CREATE|DROP) .+?(?=;|" and |, (?:or|and) | · | \(if |\.? *$)/g

/** The SQL statements that a message tells to run, in order. */
export const statementsIn = (message: string): readonly string[] => message.match(STATEMENT) ?? []
